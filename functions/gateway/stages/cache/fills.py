"""Fills that are under way, so that those who want the same wait for one.

In: names of what is wanted, and fills. Out: whom to join. Nobody joins a fill that began before an invalidation. Where
answers turned out to be for one client only, nobody waits for a while.
"""

import asyncio
from collections.abc import Callable

from functions.gateway.stages.cache.fill import Fill, Unshared
from functions.gateway.stages.cache.keys import Key

Name = tuple[Key, bytes]  # of a target, and what selects among its answers

APART = 5.0  # seconds in which requests go their own ways, after an answer that could not be shared
_MOST = 10_000  # names of such answers


class Fills:
    """All fills of one gateway; `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[Name, Fill] = {}
        self._apart: dict[int, float] = {}  # by hash: names are as long as clients make them, and apart harms nobody
        self._tasks: set[asyncio.Task[None]] = set()

    def joined(self, name: Name) -> Fill | None:
        """The fill to wait for."""
        return self._open.get(name)

    def apart(self, name: Name) -> bool:
        """Whether answers to this are not likely to be shared."""
        until = self._apart.get(hash(name))
        return until is not None and self._clock() < until

    def begin(self, name: Name | None, fill: Fill) -> Fill:
        """Starts it; others may join, if it has a name."""
        task = asyncio.get_running_loop().create_task(fill.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if name is not None:
            self._open[name] = fill
            fill.end.add_done_callback(lambda _: self._ended(name, fill))
        return fill

    def forget(self) -> None:
        """Something was invalidated: who asks from now on waits for none of these."""
        self._open.clear()

    async def close(self) -> None:
        """Ends all of them."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, name: Name, fill: Fill) -> None:
        if self._open.get(name) is fill:
            del self._open[name]
        if isinstance(fill.end.result(), Unshared):
            if len(self._apart) >= _MOST:
                self._apart.clear()
            self._apart[hash(name)] = self._clock() + APART
