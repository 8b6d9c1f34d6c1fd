"""Timers that all run equally long, each for the price of an entry in a dictionary: one of the loop's own costs 1 µs.

In: whom to call back. Out: one call, when its time is over, unless it was dropped before. They are due in the order in
which they were set, so the event loop has to wait for the first of them only; it is exact for that one.
"""

import asyncio
from itertools import takewhile
from typing import Protocol

from runtime.telemetry import log

logger = log.get(__name__)

_GRAIN = 0.001  # seconds that a timer of the event loop may be early


class Waiting(Protocol):
    """Who is called back; each is its own key, so nobody waits twice at once."""

    def late(self) -> None:
        """The time is over."""


class Timers:
    """Of one event loop: the one in which the first of them is set. `seconds`: how long each runs."""

    __slots__ = ("_due", "_loop", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[Waiting, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: before Python 3.12 each time that is a system call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def set(self, who: Waiting) -> None:
        """Calls `who` back after the time that is the same for all."""
        due = self._due[who] = self.loop.time() + self._seconds
        if self._timer is None:
            self._timer = self.loop.call_at(due, self._ring)

    def drop(self, who: Waiting) -> None:
        """Nobody calls `who` back any more; harmless when nobody would have."""
        self._due.pop(who, None)

    def _ring(self) -> None:
        self._timer = None
        now = self.loop.time() + _GRAIN
        for who, _ in list(takewhile(lambda item: item[1] <= now, self._due.items())):
            if self._due.pop(who, None) is not None:  # else one before it had it dropped
                try:
                    who.late()
                except Exception:
                    logger.exception("a timer failed")  # which is no reason to let others wait
        if self._due and self._timer is None:
            self._timer = self.loop.call_at(next(iter(self._due.values())), self._ring)
