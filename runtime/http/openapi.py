"""What a function says of itself: an OpenAPI 3.1 document, made from its handlers, so that the two cannot differ.

In: Litestar handlers, which tell paths, bodies and who may call, and `answers`, which adds to a handler what it gives
back and refuses. Out: the document, at PATH. It is for whoever is inside; the manifest has no such route.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from msgspec.json import schema_components
from msgspec.structs import fields

from runtime.http import problem
from runtime.http.conditional import tagged
from runtime.http.problem import Kind, Problem
from runtime.http.schema_example import MISSING, sample

PATH = "/openapi.json"

Schema = dict[str, Any]

_BODY = (problem.MALFORMED, problem.BODY_TOO_LARGE, problem.UNSUPPORTED_MEDIA_TYPE, problem.INVALID)
_BEARER = (problem.UNAUTHENTICATED, problem.KEYS_UNAVAILABLE)
_EVERYWHERE = (
    problem.MALFORMED,
    problem.KEY_REFUSED,
    problem.URI_TOO_LONG,
    problem.EXPECTATION_FAILED,
    problem.HEADERS_TOO_LARGE,
    problem.QUOTA_EXCEEDED,
    problem.INTERNAL,
    problem.UNREACHABLE,
    problem.MISBEHAVED,
    problem.CIRCUIT_OPEN,
    problem.OVERLOADED,
    problem.DRAINING,
    problem.DEPENDENCY_UNAVAILABLE,
    problem.DEADLINE_EXCEEDED,
)
_HEADERS = {
    "Cache-Control": "Who may keep the answer, and for how long (RFC 9111, RFC 5861).",
    "Cache-Group-Invalidation": "What caches forget (RFC 9875).",
    "Cache-Groups": "What caches file the answer under (RFC 9875).",
    "ETag": "A strong tag of what is shown (RFC 9110, section 8.8.3).",
    "Idempotency-Key": "A name of the client's choice for this one effect, good for 24 hours.",
    "Idempotency-Replayed": "`true`: the answer was given before.",
    "If-Match": "The ETag of the state that is changed (RFC 9110, section 13.1.1).",
    "Link": "Where the next page is (RFC 8288).",
    "Location": "Where the new thing is.",
    "WWW-Authenticate": "What is missing (RFC 6750, RFC 9470).",
}


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler's code does not say in its signature.

    `shown`: the type of the body by status, None for no body. `headers` are on each of these answers, `takes` are
    request headers with their schemas, which are required. `path` and `query`: the types of parameters.
    """

    shown: Mapping[int, Any]
    problems: Sequence[Kind] = ()
    headers: Sequence[str] = ()
    takes: Mapping[str, Any] = {}
    path: Mapping[str, Any] = {}
    query: type[msgspec.Struct] | None = None
    media_type: str = "application/json"

    def __deepcopy__(self, _memo: object) -> "Answers":
        """Litestar copies handlers, but annotations cannot be copied; nothing here changes."""
        return self


class ProblemBody(msgspec.Struct, frozen=True, rename={"kind": "type"}):
    """RFC 9457 problem details; further members depend on `type`."""

    kind: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str


def answers(shown: Mapping[int, Any], *problems: Kind, **more: Any) -> dict[str, Answers]:  # noqa: ANN401  of Answers
    """The `opt` of a handler; `more` is the rest of Answers."""
    return {"answers": Answers(shown=shown, problems=problems, **more)}


@get(PATH, sync_to_thread=False)
def publish(request: Request[Any, Any, State]) -> Response[bytes]:
    """This document."""
    body = msgspec.json.encode(document(every(request.app)))
    return tagged(request, body, headers={"Cache-Control": "no-cache"}, media_type="application/openapi+json")


def every(app: Litestar) -> list[HTTPRouteHandler]:
    """The handlers of an application, each once."""
    found = {id(each): each for route in app.routes for each in getattr(route, "route_handlers", ())}
    return list(found.values())


def document(handlers: Iterable[HTTPRouteHandler]) -> Schema:
    """The OpenAPI document of those `handlers` that have `answers`."""
    schemas = _Schemas()
    paths: dict[str, Schema] = {}
    for handler in handlers:
        for path in handler.paths if "answers" in handler.opt else ():
            item = paths.setdefault(re.sub(r":\w+}", "}", path), {})
            item |= {method.lower(): _operation(handler, schemas) for method in handler.http_methods}
    security = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    written = {"paths": paths, "components": {"schemas": schemas.components, "securitySchemes": security}}
    return {"openapi": "3.1.1", "info": {"title": "Portico", "version": "1"}, **_as_ecma(written)}


class _Schemas:
    """JSON Schemas of types; structs are written once, as components."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, type_: Any) -> Schema:  # noqa: ANN401  any annotation
        [schema], components = schema_components(
            [type_], schema_hook=_own_schema, ref_template="#/components/schemas/{name}"
        )
        self.components |= components
        return schema

    def shown(self, type_: Any) -> Schema:  # noqa: ANN401  any annotation
        """As the content of a body, with an example where its members have some."""
        schema = self.of(type_)
        example = sample(schema, self.components)
        return {"schema": schema} | ({} if example is MISSING else {"example": example})


def _data(handler: HTTPRouteHandler) -> Any:  # noqa: ANN401  any annotation
    """The type of the body that the handler takes, or None."""
    data = handler.parsed_fn_signature.parameters.get("data")
    return None if data is None else data.annotation


def _operation(handler: HTTPRouteHandler, schemas: _Schemas) -> Schema:
    said: Answers = handler.opt["answers"]
    summary, _, description = (handler.fn.__doc__ or "").strip().partition("\n")
    bearer = not {"principal", "caller"}.isdisjoint(handler.parsed_fn_signature.parameters)
    data = _data(handler)
    operation: Schema = {
        "operationId": handler.fn.__name__,
        "summary": summary,
        "description": " ".join(description.split()),
        "parameters": [*_parameters(said, schemas)],
        "security": [{"bearer": []}] if bearer else [],
        "responses": dict(_responses(handler, said, schemas, bearer=bearer)),
    }
    if data is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": schemas.shown(data)}}
    return operation


def _parameters(said: Answers, schemas: _Schemas) -> Iterator[Schema]:
    for name, type_ in said.path.items():
        yield {"name": name, "in": "path", "required": True, "schema": schemas.of(type_)}
    for info in fields(said.query) if said.query else ():
        schema = schemas.of(info.type) | ({"default": info.default} if isinstance(info.default, str | int) else {})
        yield {"name": info.encode_name, "in": "query", "required": info.required, "schema": schema}
    for name, type_ in said.takes.items():
        described = {"description": _HEADERS[name], "schema": schemas.of(type_)}
        yield {"name": name, "in": "header", "required": True, **described}


def _responses(
    handler: HTTPRouteHandler, said: Answers, schemas: _Schemas, *, bearer: bool
) -> Iterator[tuple[str, Schema]]:
    headers = {name: _header(name) for name in said.headers}
    for status, type_ in said.shown.items():
        content = {said.media_type: schemas.shown(type_)} if type_ else None
        yield str(status), {"description": "Done.", "headers": headers} | ({"content": content} if content else {})
    if "ETag" in headers and "GET" in handler.http_methods:
        yield "304", {"description": "What the client has is still right.", "headers": headers}
    kinds = {kind.slug: kind for kind in _problems(handler, said, bearer=bearer)}
    for status, alike in groupby(sorted(kinds.values(), key=lambda kind: kind.status), key=lambda kind: kind.status):
        yield str(status), _refusal(status, list(alike), schemas.of(ProblemBody))


def _problems(handler: HTTPRouteHandler, said: Answers, *, bearer: bool) -> Iterator[Kind]:
    yield from (*_EVERYWHERE, *said.problems)
    if _data(handler) is not None:
        yield from _BODY
    if said.query:
        yield problem.INVALID
    if said.path:
        yield problem.NOT_FOUND
        yield problem.NO_SUCH_ROUTE  # a parameter with a slash in it
    if bearer:
        yield from _BEARER
    if "conditions" in handler.parsed_fn_signature.parameters:
        yield problem.PRECONDITION_FAILED


def _refusal(status: int, kinds: Sequence[Kind], base: Schema) -> Schema:
    types = [f"/problems/{kind.slug}" for kind in kinds]
    narrowed = {"properties": {"type": {"enum": types}, "status": {"const": status}}}
    examples = {kind.slug: {"summary": kind.title, "value": _example(kind)} for kind in kinds}
    return {
        "description": " ".join(f"{kind.title}: {kind.explanation}" for kind in kinds),
        "headers": {"WWW-Authenticate": _header("WWW-Authenticate")} if status == 401 else {},
        "content": {problem.MEDIA_TYPE.decode(): {"schema": {"allOf": [base, narrowed]}, "examples": examples}},
    }


def _example(kind: Kind) -> Any:  # noqa: ANN401  any JSON
    return msgspec.json.decode(Problem(kind).body("/path", "5f2b6c1e9d0a47c8b3e1f6a7d8c9e0b1"))


def _header(name: str) -> Schema:
    return {"description": _HEADERS[name], "required": True, "schema": {"type": "string"}}


def _own_schema(type_: type) -> Schema:
    """Of a type that reads text by itself: what it says as SCHEMA, or any text."""
    return {"type": "string", **getattr(type_, "SCHEMA", {})}


def _as_ecma(schema: Any) -> Any:  # noqa: ANN401  any JSON
    r"""Patterns as ECMA-262 has them: `$` ends the text there, as `\Z` does here. Defaults of UNSET are none."""
    if isinstance(schema, dict):
        kept = {name: _as_ecma(value) for name, value in schema.items() if value is not msgspec.UNSET}
        if isinstance(pattern := kept.get("pattern"), str):
            kept["pattern"] = pattern.replace(r"\Z", "$")
        return kept
    return [_as_ecma(item) for item in schema] if isinstance(schema, list) else schema
