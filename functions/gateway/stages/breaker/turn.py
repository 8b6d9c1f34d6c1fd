"""Waiting for a probe: who comes while a function's circuits are half open, and all that they let through is under way.

In: a request, and the circuits. Out: that it may look again, in the order in which they came, a few at a time; or
Problem circuit-open, at once where too many wait, and just before the deadline where no probe has told: it was never
sent, and whoever reads 503 knows that.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from math import inf

from functions.gateway.stages.breaker.circuits import Circuits
from runtime.http.problem import CIRCUIT_OPEN, Problem
from runtime.serving.deadline import Deadline

_ALL_ILL = 5.0  # seconds: what makes every instance fail, as a database that is gone, seldom takes less to mend
_LONGEST = 20.0  # seconds: the ceiling of a deadline
_MARGIN = 0.01  # seconds before the deadline, which would say that the function was too late


def refusal(circuits: Circuits, alive: Sequence[str], now: float) -> Problem:
    """None of `alive` may be asked `now`, and when to come back."""
    return Problem(CIRCUIT_OPEN, retry_after=max(_ALL_ILL, circuits.retry_after(alive, now)))


async def turn(circuits: Circuits, deadline: Deadline | None, *, first: bool) -> bool:
    """Whether it came before the deadline; `first`: who has been called before goes before all others."""
    loop = asyncio.get_running_loop()
    called: asyncio.Future[bool] = loop.create_future()
    call = partial(_settle, called, True)  # noqa: FBT003  the result of a future
    left = inf if deadline is None else deadline.remaining() - _MARGIN
    if left <= 0 or not circuits.wait(call, first=first):
        return False
    timer = loop.call_later(min(left, _LONGEST), _settle, called, False)  # noqa: FBT003  as above
    try:
        return await called
    except asyncio.CancelledError:
        if not called.cancelled() and called.result():
            circuits.call()  # it came, but nobody was there any more
        raise
    finally:
        circuits.leave(call)
        timer.cancel()


def _settle(called: asyncio.Future[bool], came: bool) -> bool:  # noqa: FBT001  as above
    """Whether somebody still waited for it."""
    if called.done():
        return False
    called.set_result(came)
    return True
