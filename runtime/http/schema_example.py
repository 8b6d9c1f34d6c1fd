"""A value that a JSON Schema allows, made from the examples that its author wrote.

In: a schema, and the components that it may refer to. Out: a value to show, or MISSING where the schema gives no hint
of what a real one looks like: none is made up.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

Schema = Mapping[str, Any]

MISSING = msgspec.UNSET  # None is a value

_DEEPEST = 8  # a type may hold itself


def sample(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:  # noqa: ANN401  any JSON
    """A value, or MISSING. `components` are the schemas by name."""
    if depth > _DEEPEST:
        return MISSING
    if "$ref" in schema:
        return sample(components.get(schema["$ref"].rpartition("/")[2], {}), components, depth + 1)
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    for name in ("const", "default"):
        if schema.get(name, MISSING) is not MISSING:
            return schema[name]
    for choice in schema.get("anyOf", ()):
        if (found := sample(choice, components, depth + 1)) is not MISSING:
            return found
    return _of_type(schema, components, depth)


def _of_type(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401  any JSON
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            item = sample(schema.get("items", {}), components, depth + 1)
            return MISSING if item is MISSING else [item]
        case "integer" | "number":
            return schema.get("minimum", MISSING)
        case "boolean":
            return True
        case "null":
            return None
    return MISSING


def _object(schema: Schema, components: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401  any JSON
    """With every member that is known; MISSING when one that is required is not."""
    members = {name: sample(each, components, depth + 1) for name, each in schema.get("properties", {}).items()}
    if any(members.get(name, MISSING) is MISSING for name in schema.get("required", ())):
        return MISSING
    return {name: value for name, value in members.items() if value is not MISSING}
