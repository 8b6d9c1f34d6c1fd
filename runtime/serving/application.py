"""The outermost layer of every function: what the server calls.

In: ASGI 3 calls, from Granian or NGINX Unit. It counts what is in flight, answers `/livez`, `/readyz`, `/health` and
`/metrics`, binds the request's id and deadline, ends what nobody waits for, and asks for the connection's end while
draining. It never looks into a body.
"""

import asyncio
import os
from collections.abc import Awaitable
from time import monotonic
from traceback import format_exception, format_exception_only
from typing import Protocol, cast

import msgspec
import structlog

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.serving import background, deadline, process
from runtime.serving.answered import answered
from runtime.serving.cancellation import awaited
from runtime.serving.health import Health, State
from runtime.serving.unread import announced, read_on
from runtime.telemetry import log
from runtime.telemetry.metrics import MEDIA_TYPE, Metrics
from runtime.telemetry.request_metrics import counted

logger = log.get(__name__)

_LAST = 2.0  # seconds that calls which the server has ended may take to say so, before what they use is closed
_GLANCE = 0.01  # seconds between two looks at whether they have

_CLOSE = (b"connection", b"close")
_DRAINING = State.DRAINING  # an enum's members are looked up slowly


class Application(Protocol):
    """What a function's module exports as `application`: a real coroutine function that carries its health."""

    health: Health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


def application(
    app: ASGIApp, health: Health, metrics: Metrics | None = None, *, behind_gateway: bool = True
) -> "Application":
    """`app`, with what every function needs around it; `metrics` holds those of its own.

    `behind_gateway`: believe the request id and the deadline that come in, end work that nobody waits for, and count
    requests here; the gateway, which sets, ends and counts them itself, does not.
    """
    metrics = metrics or Metrics()
    lag = _measured(metrics, health)
    served = _bound(counted(awaited(app), metrics)) if behind_gateway else app
    whole = answered(served)
    answers = {"/livez": _livez, "/readyz": _readyz, "/health": _health}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            log.configure_if_told(os.environ)
            lag.start()
            try:
                await _live(app, health, (scope, receive, send))
            finally:
                lag.stop()
        elif answer := answers.get(scope["path"]):
            await answer(health, _noting_drain(health, _as_asked(scope, send)))
            await _unread(scope, receive)
        elif scope["path"] == "/metrics":
            await _answer(_noting_drain(health, _as_asked(scope, send)), 200, metrics.text(), MEDIA_TYPE)
            await _unread(scope, receive)
        else:
            health.in_flight += 1
            try:
                await (served if health.hears_who_leaves else whole)(scope, receive, _noting_drain(health, send))
            finally:
                health.in_flight -= 1

    exported = cast("Application", application)  # NGINX Unit takes a plain coroutine function only, so no class
    exported.health = health
    return exported


async def _unread(scope: Scope, receive: Receive) -> None:
    if announced(scope["headers"]):
        await read_on(receive)


def _as_asked(scope: Scope, send: Send) -> Send:
    return _without_content(send) if scope["method"] == "HEAD" else send


def _without_content(send: Send) -> Send:
    """HEAD is GET whose content nobody wants (RFC 9110, section 9.3.2): handlers need not know it."""

    async def without(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return without


def _measured(metrics: Metrics, health: Health) -> process.Lag:
    """Adds what every function tells of itself."""
    process.measured(metrics)
    in_flight = "Requests that are being served."
    metrics.ask("gauge", "portico_requests_in_flight", in_flight, lambda: {(): health.in_flight})
    worked = "portico_loop_last_success_timestamp_seconds", "When a background loop last worked, in Unix time."
    metrics.ask("gauge", *worked, background.last_worked, "loop")
    failures = "portico_loop_failures_total", "Steps of background loops that failed."
    metrics.ask("counter", *failures, background.failures, "loop")
    return process.Lag(metrics.histogram("portico_event_loop_lag_seconds", "Lateness of timers.").of().observe)


async def _live(app: ASGIApp, health: Health, call: tuple[Scope, Receive, Send]) -> None:
    """Passes the lifespan on, and has a failing start say why, in one sentence where it has one.

    An application may also know no lifespan, and raise or return at once (ASGI, Lifespan Protocol, "Scope").
    """
    scope, receive, send = call
    health.state, health.failure = State.STARTING, ""

    async def noted(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            health.failure = message.get("message") or "the application does not say why"
            return
        if message["type"] == "lifespan.startup.complete":
            health.start()
        await send(message)

    try:
        await app(scope, _settled(health, receive), noted)
    except BaseException as error:
        if health.failure:
            health.failure = _why(error)
        elif health.state is not State.STARTING or not isinstance(error, Exception):
            raise
        else:
            logger.warning("the application knows no lifespan", why=repr(error))
    if health.failure:
        await send({"type": "lifespan.startup.failed", "message": health.failure})
    elif health.state is State.STARTING:
        health.start()


def _settled(health: Health, receive: Receive) -> Receive:
    """`receive`, which tells of the end when no call is left, or the patience with them: NGINX Unit says it at once."""

    async def told() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown" and not health.hears_who_leaves:
            give_up = monotonic() + _LAST
            while health.in_flight and monotonic() < give_up:  # noqa: ASYNC110  nobody is told, as that would cost each
                await asyncio.sleep(_GLANCE)
        return message

    return told


def _why(error: BaseException) -> str:
    """A SystemExit's sentence is meant for people; anything else is shown whole, behind what it says of itself.

    NGINX Unit keeps the first 2,048 bytes.
    """
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _why(error.exceptions[0])
    if isinstance(error, SystemExit):
        return str(error)
    return "".join([*_says(error), *format_exception(error)])


def _says(error: BaseException) -> list[str]:
    """The last lines of a traceback, without the rest; of a group those of each."""
    if isinstance(error, BaseExceptionGroup):
        return [line for each in error.exceptions for line in _says(each)]
    return format_exception_only(error)


def _bound(app: ASGIApp) -> ASGIApp:
    """`app`, where logs know the request's id and everybody knows its deadline."""

    async def bound(scope: Scope, receive: Receive, send: Send) -> None:
        _bind(scope["headers"])
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_content(send)
        await app(scope, receive, send)

    return bound


def _bind(headers: list[tuple[bytes, bytes]]) -> None:
    structlog.contextvars.clear_contextvars()
    deadline.current.set(None)
    for name, value in headers:
        if name == deadline.HEADER:
            deadline.current.set(deadline.parse(value))
        elif name == b"x-request-id":
            structlog.contextvars.bind_contextvars(request_id=value.decode("latin-1"))


def _noting_drain(health: Health, send: Send) -> Send:
    def noted(message: Message) -> Awaitable[None]:  # no coroutine of its own: every message comes by
        if health.state is _DRAINING and message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], _CLOSE]
        return send(message)

    return noted


async def _livez(_health: Health, send: Send) -> None:
    await _answer(send, 200, msgspec.json.encode({"state": "alive"}))


async def _readyz(health: Health, send: Send) -> None:
    status = 200 if health.state is State.READY else 503
    await _answer(send, status, msgspec.json.encode({"state": health.state.value}))


async def _health(health: Health, send: Send) -> None:
    await _answer(send, 200, msgspec.json.encode(await health.report()))


async def _answer(send: Send, status: int, body: bytes, media_type: bytes = b"application/json") -> None:
    headers = [
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
