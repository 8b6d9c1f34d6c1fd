"""Counts and times a function's requests by route template: an ASGI application goes in, the same one comes out.

The template is what the router found, so a path that nobody serves makes no time series of its own.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.telemetry.metrics import Metrics

UNROUTED = "none"  # the route of what no route serves
CALLER_LEFT = 499  # nobody sees this status; nginx counts such requests under the same one


def counted(app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = perf_counter) -> ASGIApp:
    """`app`, with each answer counted when it is over; `clock` is in seconds."""
    requests = metrics.counter("portico_function_requests_total", "Requests answered.", "route", "status")
    durations = metrics.histogram("portico_function_request_duration_seconds", "Time to an answer's end.", "route")

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        began = clock()
        status = CALLER_LEFT  # where there is no answer, and nothing went wrong

        def noting(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        try:
            await app(scope, receive, noting)
        except Exception:
            status = 500 if status == CALLER_LEFT else status
            raise
        finally:
            route = _route(scope)
            durations.of(route).observe(clock() - began)
            requests.of(route, str(status)).value += 1

    return counting


def _route(scope: Scope) -> str:
    """Litestar leaves the template where its router found one for the method, too."""
    template = scope.get("path_template")
    return f"{scope['method']} {template}" if template else UNROUTED
