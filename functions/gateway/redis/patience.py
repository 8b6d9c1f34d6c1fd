"""A bound on waiting for somebody else, which time that this process lost itself doesn't count against.

asyncio.timeout goes by the clock: after this process was held up, it expires before the reply that came meanwhile is
read, and a healthy store looks broken. Here a wait is counted in steps, and what has arrived is read between two.
"""

import asyncio
from types import TracebackType
from typing import Self

_STEPS = 5


class Unavailable(Exception):
    """The store did not answer in time, or refused; whether it did what was asked is not known."""


class Patience:
    """`async with Patience(0.05) as patience`: TimeoutError when the block isn't done after 50 ms of a turning loop."""

    def __init__(self, seconds: float) -> None:
        self._step = seconds / _STEPS
        self._left = _STEPS
        self._bound = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()

    @property
    def spent(self) -> float:
        """Seconds that count as waited, in whole steps."""
        return (_STEPS - self._left) * self._step

    async def __aenter__(self) -> Self:
        await self._bound.__aenter__()
        self._timer = self._loop.call_later(self._step, self._wait)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._bound.__aexit__(kind, error, trace)

    def _wait(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._step, self._wait)
        else:
            self._bound.reschedule(self._loop.time())
