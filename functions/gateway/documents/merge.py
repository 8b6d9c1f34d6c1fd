"""What every function says of itself -> one OpenAPI 3.1 document, of the routes that the gateway has and no others.

In: the routes, and the document of each function that gave one. Out: the document for clients. Who may call, limits and
headers are the route's, as the gateway is what acts on them; words, bodies and answers are the function's. A route of a
function that gave none is told by what its manifest says. Nothing else that a function says gets out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from functions.gateway.routes import Route
from runtime.units import Rule

Schema = dict[str, Any]
Shape = tuple[str, ...]

_COMPONENTS = "#/components/schemas/"
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # of those that routes have, what OpenAPI 3.1 can say
_PARAMETER = re.compile(r"{(\w+)}")

ABOUT = """Several functions behind one front door.

Errors are problem details (RFC 9457): `type` names the kind, and answers with its explanation; `request_id` finds the
request in the logs.

Where a token is needed: `POST /users`, then `POST /sessions`, and send `Authorization: Bearer <access_token>`.

Limited routes say in `RateLimit` what is left. Over the limit, `Retry-After` says when to come back.

Send an `Idempotency-Key` where one is honoured, and the request may be repeated without a second effect."""

_HEADERS: dict[str, Schema] = {
    "X-Request-Id": {"description": "The request's id: the client's own, or a new one.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": "`r`: requests that may come at once; `t`: seconds to the next permit.",
        "schema": {"type": "string"},
        "example": '"default";r=99;t=1',
    },
    "RateLimit-Policy": {
        "description": "`q` requests in a window of `w` seconds.",
        "schema": {"type": "string"},
        "example": '"default";q=100;w=60',
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}, "example": 1},
}
_BARE = {"default": {"description": "Whatever the function answers, or a problem of the gateway's."}}


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value in a path, a query or a header."""

    name: str
    place: str = msgspec.field(name="in")
    required: bool = False
    description: str = ""
    schema: Schema = {}


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a function says of one of its routes."""

    responses: dict[str, Schema]
    operation_id: str = msgspec.field(name="operationId")
    summary: str = ""
    description: str = ""
    parameters: list[Parameter] = []
    body: Schema | None = msgspec.field(name="requestBody", default=None)


class Components(msgspec.Struct, frozen=True):
    """Schemas by name."""

    schemas: dict[str, Schema] = {}


class Told(msgspec.Struct, frozen=True):
    """What is read of a function's document; the rest is not the function's to say."""

    openapi: str
    paths: dict[str, dict[str, Operation]]
    components: Components = Components()


def read(document: bytes) -> Told | None:
    """A function's document; None for what can't be merged."""
    try:
        told = msgspec.json.decode(document, type=Told)
    except msgspec.DecodeError:
        return None
    return told if told.openapi.startswith("3.1.") else None


def merged(routes: Iterable[Route], told: Mapping[str, Told]) -> Schema:
    """The document of all `routes`; `told` is what their functions gave, by function."""
    found = {function: _operations(each) for function, each in told.items()}
    paths: dict[str, Schema] = {}
    named: dict[Shape, str] = {}  # a path may be written in one way only
    ordered = [_expressible(route) for route in sorted(routes, key=_place) if route.method in _METHODS]
    for route in ordered:
        path = named.setdefault(shape(route.path), route.path)
        said = found.get(route.function, {}).get((route.method.lower(), shape(route.path)))
        paths.setdefault(path, {}).setdefault(route.method.lower(), _operation(route, path, said))
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From `POST /sessions`."}
    schemas = dict(_schemas(told))
    return {
        "openapi": "3.1.1",
        "info": {"title": "Portico", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": function} for function in dict.fromkeys(route.function for route in ordered)],
        "paths": paths,
        "components": {"schemas": schemas, "headers": _HEADERS, "securitySchemes": {"bearer": bearer}},
    }


def _place(route: Route) -> tuple[str, bool, str]:
    """By function and path; a rest comes behind the parameter that goes before it."""
    return route.function, route.path.endswith("...}"), route.path


def _expressible(route: Route) -> Route:
    """OpenAPI has no word for a parameter that is many steps: it is shown as one."""
    return replace(route, path=route.path.replace("...}", "}"))


def shape(path: str) -> Shape:
    """The same for paths that differ in the names of their parameters alone."""
    return tuple("{}" if step.startswith("{") else step for step in path.split("/"))


def _operations(told: Told) -> dict[tuple[str, Shape], tuple[str, Operation]]:
    """By method and shape of the path: the path as the function writes it, and the operation."""
    return {
        (method, shape(path)): (path, operation)
        for path, item in told.paths.items()
        for method, operation in item.items()
    }


def _operation(route: Route, path: str, said: tuple[str, Operation] | None) -> Schema:
    own, operation = said or (route.path, _bare(route))
    names = dict(zip(_PARAMETER.findall(own), _PARAMETER.findall(path), strict=False))
    written: Schema = _rewritten(msgspec.to_builtins(operation), route.function)
    return {
        **written,
        "operationId": f"{route.function.replace('-', '_')}_{operation.operation_id}",
        "tags": [route.function],
        "parameters": [_renamed(parameter, names) for parameter in written.get("parameters", ())],
        "security": _security(route),
        "responses": {status: _answer(route, status, answer) for status, answer in written["responses"].items()},
        "x-portico": _policy(route),
    }


def _bare(route: Route) -> Operation:
    """What can be said of a route whose function says nothing."""
    return Operation(
        operation_id="_".join([route.method.lower(), *re.findall(r"\w+", route.path)]),
        summary=f"{route.method} {route.path}",
        description=f"The function {route.function} does not say more at the moment.",
        parameters=[Parameter(name, "path", required=True, schema={"type": "string"}) for name in _names(route)],
        responses=_BARE,
    )


def _names(route: Route) -> list[str]:
    return _PARAMETER.findall(route.path)


def _security(route: Route) -> list[Schema]:
    """The roles that are needed stand with the scheme (OpenAPI 3.1, Security Requirement Object)."""
    return [] if route.policy.auth == "public" else [{"bearer": [route.policy.role] if route.policy.role else []}]


def _policy(route: Route) -> Schema:
    """What the gateway does on this route, for people and for tools that know it."""
    policy = route.policy
    said: Schema = {"deadline_seconds": float(policy.deadline or 0), "largest_body_bytes": int(policy.body or 0)}
    if rules := route.rules:
        said["limits"] = {name: _limit(rule) for name, rule in rules.items()}
    if route.method == "POST":
        said["idempotency_key"] = policy.idempotency
    return said


def _limit(rule: Rule) -> Schema:
    limit = rule.limit
    return {"requests": limit.count, "seconds": limit.period, "at_once": limit.burst, "by": rule.by}


def _answer(route: Route, status: str, answer: Schema) -> Schema:
    """`answer`, with the headers that the gateway puts on it."""
    names = ["X-Request-Id"]
    if route.rules:
        names += ["RateLimit", "RateLimit-Policy"]
    if status in ("429", "503"):
        names.append("Retry-After")
    ours = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {**answer, "headers": {**answer.get("headers", {}), **ours}}


def _renamed(parameter: Schema, names: Mapping[str, str]) -> Schema:
    name = parameter["name"]
    return {**parameter, "name": names.get(name, name)} if parameter["in"] == "path" else parameter


def _schemas(told: Mapping[str, Told]) -> Iterator[tuple[str, Schema]]:
    for function, each in told.items():
        for name, schema in each.components.schemas.items():
            yield _own(name, function), _rewritten(schema, function)


def _own(name: str, function: str) -> str:
    """Two functions may have an Item each; a problem is the same everywhere."""
    return name if name == "ProblemBody" else f"{function}.{name}"


def _rewritten(value: Any, function: str) -> Any:  # noqa: ANN401  any JSON
    """The same, where names of schemas are those of the merged document."""
    if isinstance(value, dict):
        return {name: _rewritten(item, function) for name, item in value.items()}
    if isinstance(value, list):
        return [_rewritten(item, function) for item in value]
    if isinstance(value, str) and value.startswith(_COMPONENTS):
        return _COMPONENTS + _own(value.removeprefix(_COMPONENTS), function)
    return value
