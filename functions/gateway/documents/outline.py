"""JSON Schemas in words: what a person wants to know of a body or a parameter, a line for each member.

In: a schema of an OpenAPI document, and its components. Out: names, types and bounds as plain text.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

_DEEPEST = 4  # a type may hold itself
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "format": "{}",
    "pattern": "{}",
}


class Member(NamedTuple):
    """One line: `items[].sku`."""

    name: str
    type: str
    required: bool


def resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """What a reference stands for; an empty schema for one that leads nowhere."""
    seen = 0
    while "$ref" in schema and (seen := seen + 1) <= _DEEPEST:
        schema = components.get(schema["$ref"].rpartition("/")[2], {})
    return {} if "$ref" in schema else schema


def described(schema: Schema, components: Mapping[str, Schema]) -> str:
    """The type and its bounds, as in `integer, at least 1, at most 100`."""
    schema = resolved(schema, components)
    if choices := schema.get("anyOf"):
        return " or ".join(described(choice, components) for choice in choices)
    if choices := schema.get("enum"):
        return " or ".join(f"“{choice}”" for choice in choices)
    if schema.get("type") == "array":
        return ", ".join([f"list of {described(schema.get('items', {}), components)}", *_bounds(schema)])
    return ", ".join([str(schema.get("type", "anything")), *_bounds(schema)])


def members(schema: Schema, components: Mapping[str, Schema], prefix: str = "", depth: int = 0) -> Iterator[Member]:
    """Each member of an object, and those of the objects in it."""
    schema = resolved(schema, components)
    if schema.get("type") == "array":
        yield from members(schema.get("items", {}), components, f"{prefix}[]", depth)
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items() if depth < _DEEPEST else ():
        whole = f"{prefix}.{name}".lstrip(".")
        yield Member(whole, described(each, components), name in required)
        yield from members(each, components, whole, depth + 1)


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in _BOUNDS.items():
        if name in schema:
            yield words.format(schema[name])
    if schema.get("default") is not None:
        yield f"{schema['default']} if left out"
