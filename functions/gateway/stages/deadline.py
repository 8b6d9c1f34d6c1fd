"""Gives a request a time to the head of its answer; when it is up, everything below is cancelled.

A body may take longer than that: what bounds it is the idle time between two of its parts.
"""

import asyncio
from time import monotonic

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from runtime.http.problem import DEADLINE_EXCEEDED, Problem
from runtime.serving.deadline import Clock, Deadline
from runtime.serving.timers import Timers


def deadline(seconds: float, clock: Clock = monotonic) -> Stage:
    """504 when there is no answer within `seconds`; `clock` in seconds."""
    timers = Timers(seconds)

    def stage(handler: Handler) -> Handler:
        async def timed(exchange: Exchange) -> Response:
            exchange.deadline = Deadline.after(seconds, clock)
            limited = _Limited(timers.loop)
            timers.set(limited)
            try:
                return _ours(exchange, await handler(exchange))
            except asyncio.CancelledError:
                if limited.alone:
                    raise Problem(DEADLINE_EXCEEDED) from None
                raise
            finally:
                timers.drop(limited)
                limited.leave()

        return timed

    return stage


def _ours(exchange: Exchange, response: Response) -> Response:
    """A function knows the deadline too, and may be the first to end what is late: who told it so has to answer."""
    if response.status == DEADLINE_EXCEEDED.status and exchange.overdue:
        response.finish()
        raise Problem(DEADLINE_EXCEEDED)
    return response


class _Limited:
    """A task whose time may come. asyncio.timeout does the same at several times the price."""

    __slots__ = ("_task", "_up")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        self._up = False

    @property
    def alone(self) -> bool:
        """Whether it is cancelled as its time is up, and not because the client has left, or the server stops."""
        return self._up and self._task.cancelling() == 1

    def late(self) -> None:
        self._up = self._task.cancel()

    def leave(self) -> None:
        """Whoever goes on in this task is not cancelled."""
        if self._up:
            self._task.uncancel()
