"""Holds what is in flight to a function below a bound that adapts; what is too much is told so at once.

A place is held to the head of the answer: that is the function's own work, while a stream may last for hours. 503
`overloaded` comes with Retry-After, and comes quickly: who waits does so for 1 s at most, and not at all when its
deadline would pass before the function could answer. Who is authenticated goes before who is not.
"""

from asyncio import CancelledError
from collections.abc import Callable
from math import inf
from time import perf_counter

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.stages.shed.gate import Gate

# Seconds that a request waits for a place. A thousand clients that ask again at once when they are answered wait for
# most of it where a busy machine serves a thousand a second; that is no reason to refuse them.
PATIENCE = 1.0


def shed(gate: Gate, route: str, clock: Callable[[], float] = perf_counter) -> Stage:
    """`gate` is that of the function, for all its routes; `route` is which of them this is."""
    bound = gate.bound
    pace = bound.pace(route)

    def stage(handler: Handler) -> Handler:
        async def passed(exchange: Exchange) -> Response:
            if bound.in_flight < bound.limit:
                bound.in_flight += 1
            else:
                await gate.wait(_patience(exchange, pace.usual), known=exchange.principal is not None)
            began = clock()
            try:
                response = await handler(exchange)
            except CancelledError:
                if exchange.overdue and exchange.whole:
                    bound.answered(pace, clock() - began)
                raise
            else:
                if response.status < 500 and exchange.whole:
                    bound.answered(pace, clock() - began)
                return response
            finally:
                gate.leave()

        return passed

    return stage


def _patience(exchange: Exchange, usual: float) -> float:
    """Seconds that a request may wait; `usual`: what it will take then. None are left for one that would be late."""
    left = inf if exchange.deadline is None else exchange.deadline.remaining()
    return min(PATIENCE, left - usual)
