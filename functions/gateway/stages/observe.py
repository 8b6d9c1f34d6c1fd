"""Counts and times everything below it, by route template; now and then it also times each stage on its own.

In: a meter, which the composition root brings. It knows no metrics library, changes no request and swallows no error.
"""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Protocol

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.inbound import ClientLeft
from runtime.http.problem import INTERNAL, Problem

CLIENT_LEFT = 499  # nobody sees this status; nginx counts such requests under the same one

Clock = Callable[[], float]  # seconds
Tell = Callable[[float], None]  # of seconds


class Meter(Protocol):
    """What is told of the requests of one route."""

    def begun(self) -> None:
        """A request has come."""

    def answered(self, status: int, seconds: float) -> None:
        """The head of its answer is there; or there will be none, and `status` says why."""

    def refused(self, slug: str) -> None:
        """It was answered with a problem, beside `answered`."""

    def ended(self) -> None:
        """The last byte of its answer has left, or nobody waits for it."""


def observe(meter: Meter, clock: Clock = perf_counter) -> Stage:
    """Times a request from here to the head of its answer; it is in flight until the answer's end."""

    def stage(handler: Handler) -> Handler:
        async def observed(exchange: Exchange) -> Response:
            began = clock()
            meter.begun()
            try:
                response = await handler(exchange)
            except BaseException as error:
                meter.answered(_status(error, meter), clock() - began)
                meter.ended()
                raise
            meter.answered(response.status, clock() - began)
            response.at_end.append(meter.ended)
            return response

        return observed

    return stage


def _status(error: BaseException, meter: Meter) -> int:
    """What the edge will make of it: anything but a Problem is the client's leaving, or our fault."""
    if isinstance(error, Problem):
        meter.refused(error.kind.slug)
        return error.kind.status
    if isinstance(error, (ClientLeft, CancelledError)):
        return CLIENT_LEFT
    meter.refused(INTERNAL.slug)
    return INTERNAL.status


def timed(tell: Tell, handler: Handler, clock: Clock = perf_counter) -> Handler:
    """`handler`, telling the time it takes less what the timed ones below it do; waiting counts."""

    async def timing(exchange: Exchange) -> Response:
        beside, exchange.below = exchange.below, 0.0
        began = clock()
        try:
            return await handler(exchange)
        finally:
            took = clock() - began
            tell(took - exchange.below)
            exchange.below = beside + took

    return timing


def now_and_then(rare: Handler, usual: Handler, every: int) -> Handler:
    """`rare` for the first request and each `every`th after it, `usual` for the others."""
    turn = 0

    def either(exchange: Exchange) -> Awaitable[Response]:
        nonlocal turn
        turn = (turn or every) - 1
        return usual(exchange) if turn != every - 1 else rare(exchange)

    return either
