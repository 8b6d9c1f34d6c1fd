"""The gate before a function: lets through what its bound allows, has a few wait for a moment, and refuses the rest.

In: who wants to pass, and how long they may wait. Out: a place, or Problem `overloaded`, at once. All routes of a
function share one gate, and no two functions do: a slow one fills its own.
"""

import asyncio

from functions.gateway.stages.shed.bound import Bound
from functions.gateway.stages.shed.line import Line
from runtime.http.problem import OVERLOADED, Problem

Turn = asyncio.Future[bool]  # True: you have a place


class Gate:
    """At most `queue` wait: for how long is up to them, so a long line is no slow one."""

    __slots__ = ("_queue", "bound", "line")

    def __init__(self, bound: Bound, queue: int) -> None:
        self.bound = bound
        self.line: Line[Turn] = Line()
        self._queue = queue

    async def wait(self, seconds: float, *, known: bool) -> None:
        """Waits for a place, for `seconds` at most; `leave` when done with it. Raises Problem overloaded."""
        loop = asyncio.get_running_loop()
        turn: Turn = loop.create_future()
        gone = self.line.join(turn, self._queue, known=known) if seconds > 0 else turn
        if gone is turn:
            raise Problem(OVERLOADED, retry_after=1)
        if gone is not None:
            _give_up(gone)
        timer = loop.call_later(seconds, _give_up, turn)
        try:
            if not await turn:
                raise Problem(OVERLOADED, retry_after=1)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()  # the place came, but nobody was there any more
            raise
        finally:
            timer.cancel()
            self.line.leave(turn)

    def leave(self) -> None:
        """Gives back a place; whoever waits has it at once."""
        self.bound.in_flight -= 1
        while self.bound.in_flight < self.bound.limit and (turn := self.line.next()) is not None:
            if not turn.done():
                self.bound.in_flight += 1
                turn.set_result(True)


def _give_up(turn: Turn) -> None:
    if not turn.done():
        turn.set_result(False)
