"""Fills that are under way, so that those who want the same wait for one.

In: names of what is wanted, and fills. Out: whom to join. Nobody joins a fill that began before an invalidation. Where
answers turned out to be for one client only, nobody waits for a while. Of those that nobody waits for any more a few
go on, as what they bring is for the next one: with more of them one client, who asks and leaves, would take the
function from everybody.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from functions.gateway.stages.cache.fill import Fill, Unshared
from functions.gateway.stages.cache.keys import Key

T = TypeVar("T")
Name = tuple[Key, bytes]  # of a target, and what selects among its answers

APART = 5.0  # seconds in which requests go their own ways, after an answer that could not be shared
_MOST = 10_000  # names of such answers
ALONE = 8  # fills of one function that go on although whoever wanted them has left


class Fills:
    """All fills of one gateway; `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[Name, Fill] = {}
        self._apart: dict[int, float] = {}  # by hash: names are as long as clients make them, and apart harms nobody
        self._tasks: dict[Fill, tuple[Name | None, asyncio.Task[None]]] = {}
        self._waiting: Counter[Fill] = Counter()
        self._alone: dict[str, set[Fill]] = {}  # by function

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
        self._tasks[fill] = name, task
        task.add_done_callback(lambda _: self._tasks.pop(fill, None))
        if name is not None:
            self._open[name] = fill
            fill.end.add_done_callback(lambda _: self._ended(name, fill))
        return fill

    async def wait(self, function: str, fill: Fill, what: "asyncio.Future[T]") -> T:
        """What comes of a fill of `function`; whoever leaves before ends it, if many go on for nobody already."""
        self._waiting[fill] += 1
        try:
            return await asyncio.shield(what)
        except asyncio.CancelledError:
            if self._waiting[fill] == 1:
                self._leave(function, fill)
            raise
        finally:
            self._waiting[fill] -= 1
            if not self._waiting[fill]:
                del self._waiting[fill]

    def forget(self) -> None:
        """Something was invalidated: who asks from now on waits for none of these."""
        self._open.clear()

    async def close(self) -> None:
        """Ends all of them."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _leave(self, function: str, fill: Fill) -> None:
        """The last one who waited for it."""
        going = {
            other for other in self._alone.get(function, ()) if other in self._tasks and other not in self._waiting
        }
        self._alone[function] = going
        if len(going) < ALONE:
            going.add(fill)
        elif fill in self._tasks:
            name, task = self._tasks[fill]
            self._close(name, fill)  # who comes in this moment waits for none that ends
            task.cancel()

    def _close(self, name: Name | None, fill: Fill) -> None:
        if name is not None and self._open.get(name) is fill:
            del self._open[name]

    def _ended(self, name: Name, fill: Fill) -> None:
        self._close(name, fill)
        if isinstance(fill.end.result(), Unshared):
            if len(self._apart) >= _MOST:
                self._apart.clear()
            self._apart[hash(name)] = self._clock() + APART
