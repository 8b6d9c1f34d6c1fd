"""Litestar as every function uses it: JSON in, JSON out, and each error as a problem.

In: route handlers. Out: an ASGI application that `application()` wraps. It knows no database: what a driver raises
comes with a table that says what to call it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler
from litestar.utils.scope.state import ScopeState

from runtime.http import problem
from runtime.http.body import decode
from runtime.http.openapi import every
from runtime.http.preconditions import conditions, unguarded
from runtime.http.problem import Kind, Problem
from runtime.http.validation import Fault, Invalid
from runtime.telemetry import log

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
Failures = Mapping[type[Exception], Kind]

LONGEST_POINTER = 256  # bytes in an answer
_POINTED = 5  # faults of a body that the log names

logger = log.get(__name__)
# Asked for `info` each time: under NGINX Unit logging is set up after this module is imported.
tell_refusal = log.Sparing(lambda event, **said: logger.info(event, **said))  # noqa: PLW0108  see above
tell_failure = log.Sparing(lambda event, **said: logger.warning(event, **said))  # noqa: PLW0108  see above

# As clients call UTF-8, and what is a part of it. A charset means nothing to JSON (RFC 8259), but another is a mistake.
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def api(handlers: Sequence[ControllerRouterHandler], *, lifespan: Lifespan, failures: Failures) -> Litestar:
    """The application of one function. `failures`: what an exception of a dependency is called as a problem.

    Raises TypeError for handlers that would act whatever conditions a request has.
    """
    made = Litestar(
        route_handlers=handlers,
        dependencies={"conditions": Provide(conditions, sync_to_thread=False)},
        lifespan=[lifespan],
        before_request=_take_body,
        exception_handlers={Exception: lambda request, error: _answer(request, _problem(error, failures))},
        openapi_config=None,
        logging_config=None,
    )
    _one_by_one(made)
    if found := list(unguarded(every(made))):
        raise TypeError(f"{', '.join(found)}: take `conditions: Asking` and require them where the state is read")
    return made


def _one_by_one(made: Litestar) -> None:
    """Dependencies are resolved one after the other: for two at once Litestar starts a group of tasks, for 60 µs."""
    for route in made.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                model.dependency_batches = [{each} for batch in model.dependency_batches for each in batch]


def invalid(refused: Invalid) -> Problem:
    """422 invalid-request, with a JSON pointer to each fault, and whether there are `more` than are told."""
    errors = [_told(fault) for fault in refused.faults]
    return Problem(problem.INVALID, members={"errors": errors, **({"more": True} if refused.more else {})})


def _pointed(error: Problem) -> dict[str, list[str]]:
    """Where the first few faults of a body are."""
    told = error.members.get("errors", [])[:_POINTED]
    return {"at": [each["pointer"] for each in told]} if told else {}


def _told(fault: Fault) -> dict[str, str]:
    """A fault whose pointer would be too long is told of what it lies in: clients decide how long names are."""
    pointer = ""
    for step in fault.path:
        longer = pointer + Fault((step,), "").pointer
        if len(msgspec.json.encode(longer)) > LONGEST_POINTER:
            return {"pointer": pointer, "detail": f"of something in here: {fault.detail}"}
        pointer = longer
    return {"pointer": pointer, "detail": fault.detail}


def given(name: str) -> Provide:
    """A dependency: what the lifespan put into the application's state under `name`."""

    def take(state: State) -> Any:  # noqa: ANN401  each handler says which type it takes
        return state[name]

    return Provide(take, sync_to_thread=False)


async def _take_body(request: Request[Any, Any, State]) -> None:
    """Reads the body that the handler takes as `data`, before Litestar would: strictly, and with every fault.

    Raises Problem for what is not JSON in UTF-8, and Invalid.
    """
    wanted = request.route_handler.parsed_fn_signature.parameters.get("data")
    if wanted is not None:
        _only_json(request)
        ScopeState.from_scope(request.scope).json = decode(await request.body(), wanted.annotation)


def _only_json(request: Request[Any, Any, State]) -> None:
    media_type, options = request.content_type
    json = media_type == "application/json" and _charset(options) in _UTF_8
    if "content-type" in request.headers and not json:
        raise Problem(problem.UNSUPPORTED_MEDIA_TYPE)
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(problem.UNSUPPORTED_MEDIA_TYPE, "Send the body without a Content-Encoding.")


def _charset(options: Mapping[str, str]) -> str:
    return options.get("charset", "utf-8").lower().strip("' ").replace("_", "-")


def _problem(error: Exception, failures: Failures) -> Problem:
    match error:
        case Problem():
            return error
        case Invalid():
            return invalid(error)
        case ValidationException():
            return invalid(Invalid(_faults(error)))
        case MethodNotAllowedException():
            return Problem(problem.METHOD_NOT_ALLOWED, headers=[(b"allow", (error.headers or {})["allow"].encode())])
        case NotFoundException():
            return Problem(problem.NO_SUCH_ROUTE)
        case HTTPException(status_code=413):
            return Problem(problem.BODY_TOO_LARGE)
        case ClientException():
            return Problem(problem.MALFORMED)
    return _failure(error, failures)


def _failure(error: Exception, failures: Failures) -> Problem:
    """A dependency's fault, or ours; the log has the whole of it."""
    for kind_of_error, kind in failures.items():
        if isinstance(error, kind_of_error):
            logger.warning("dependency failed", problem=kind.slug, exc_info=error)
            return Problem(kind, retry_after=1)
    logger.error("unexpected error", exc_info=error)
    return Problem(problem.INTERNAL)


def _faults(error: ValidationException) -> list[Fault]:
    """Those of the path and the query."""
    told = error.extra if isinstance(error.extra, list) else []
    return [Fault((item["key"],), item["message"]) for item in told]


def _tell(error: Problem) -> None:
    """Why, for who looks into the log; a mistake of ours was told as it was caught."""
    if error.kind.status < problem.INTERNAL.status:
        tell_refusal("request refused", problem=error.kind.slug, **_pointed(error))
    elif error.kind is not problem.INTERNAL:
        cause = error.__cause__
        why = {"why": f"{type(cause).__name__}: {cause}"} if cause else {}
        tell_failure("request failed", problem=error.kind.slug, detail=error.detail, **why)


def _answer(request: Request[Any, Any, State], error: Problem) -> Response[bytes]:
    request_id = request.headers.get("x-request-id", "")
    _tell(error)
    headers = {name.decode(): value.decode("latin-1") for name, value in error.headers}
    body = error.body(request.scope["path"], request_id)
    return Response(body, status_code=error.kind.status, headers=headers, media_type=problem.MEDIA_TYPE.decode())
