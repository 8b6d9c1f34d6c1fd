"""An operation of the OpenAPI document as a command to copy: `curl`, with the examples of its author.

In: path, method, operation. Out: text for a shell, in which nothing that is not ours is read as code.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from runtime.http.schema_example import MISSING, sample

Schema = Mapping[str, Any]

_UNKNOWN = "…"


def call(path: str, method: str, operation: Schema) -> str:
    """A line for each header. PORTICO and TOKEN are the reader's to set."""
    examples = {each["name"]: _example(each["schema"]) for each in operation["parameters"]}
    named = re.sub(r"{(\w+)}", lambda found: _step(examples.get(found[1], _UNKNOWN)), path)
    verb = "curl" if method == "GET" else f"curl -X {method}"
    return " \\\n  ".join([f'{verb} "$PORTICO"{shlex.quote(named)}', *_options(operation, examples)])


def _options(operation: Schema, examples: Mapping[str, str]) -> Iterator[str]:
    if operation["security"]:
        yield '-H "Authorization: Bearer $TOKEN"'
    for name in (each["name"] for each in operation["parameters"] if each["in"] == "header"):
        yield f"-H {shlex.quote(f'{name}: {examples[name]}')}"
    if body := operation.get("requestBody", {}).get("content", {}).get("application/json"):
        yield "-H 'Content-Type: application/json'"
        yield f"-d {shlex.quote(json.dumps(body.get('example', _UNKNOWN), ensure_ascii=False))}"


def _step(value: str) -> str:
    return value if value == _UNKNOWN else quote(value, safe="")


def _example(schema: Schema) -> str:
    found = sample(schema, {})
    return _UNKNOWN if found is MISSING else str(found)
