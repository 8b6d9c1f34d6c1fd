"""Where answers are kept: level one in this instance's memory, and what it is told to forget.

In: keys, answers and invalidations. Out: what is held, newest first. What began before an invalidation is never kept
after it. It asks no function and knows no request.
"""

from collections.abc import Callable, Collection, Sequence

from functions.gateway.stages.cache import keys
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.ledger import Ledger, Moment
from functions.gateway.stages.cache.shelf import Shelf


class Levels:
    """All that one gateway holds; `on_invalidated` are told of every invalidation."""

    def __init__(self, most: int) -> None:
        self.shelf = Shelf(most)
        self.on_invalidated: list[Callable[[], None]] = []
        self.invalidations = 0
        self._ledger = Ledger()

    @property
    def now(self) -> Moment:
        """To be remembered when a fill begins."""
        return self._ledger.now

    def held(self, key: Key) -> Sequence[Stored]:
        """What is held of a target in memory."""
        return self.shelf.held(key)

    def keep(self, function: str, key: Key, stored: Stored, began: Moment) -> None:
        """Keeps what a fill that `began` then has brought, unless it may be of before an invalidation."""
        tags = keys.tags(function, stored)
        if not self._ledger.since(began, (key, *tags)):
            self.shelf.put(key, stored, tags)

    def drop(self, key: Key, outdated: Collection[Stored]) -> None:
        """These are not what a target has any more."""
        self.shelf.drop(key, outdated)

    async def invalidate(self, names: Collection[bytes]) -> None:
        """Forgets targets by key or by tag, here and now."""
        self.forget(names)

    def forget(self, names: Collection[bytes]) -> None:
        """Forgets targets by key or by tag in this instance; answers that are on their way count as older."""
        self._ledger.note(names)
        self.invalidations += 1
        self.shelf.invalidate(names)
        for tell in self.on_invalidated:
            tell()
