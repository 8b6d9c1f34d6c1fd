"""A level two in memory, for gateways of one test: what one of them keeps or forgets is so for all at once."""

from collections.abc import Callable, Collection

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.far import Found
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.ledger import Ledger
from functions.gateway.stages.cache.shelf import Shelf


class Shared:
    """See Far. `away`: it answers nothing; `claims` are those that are held."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.claims: set[bytes] = set()
        self.shelf = Shelf(1_000_000)
        self._ledger = Ledger()

    def find(self, key: Key, settle: Callable[[Found | None], None]) -> None:
        self.asked += 1
        settle(None if self.away else Found(self.shelf.held(key), b"%d" % self._ledger.now))

    def keep(self, key: Key, tags: Collection[bytes], stored: Stored, moment: bytes) -> None:
        if not self.away and not self._ledger.since(int(moment), (key, *tags)):
            self.shelf.put(key, stored, tags)

    def drop(self, key: Key, outdated: Collection[Stored]) -> None:
        self.shelf.drop(key, outdated)

    async def invalidate(self, names: Collection[bytes]) -> bool:
        if self.away:
            return False
        self._ledger.note(names)
        self.shelf.invalidate(names)
        return True

    async def clear(self) -> bool:
        if self.away:
            return False
        self._ledger.forget()
        self.shelf.clear()
        return True

    async def claim(self, name: bytes, seconds: float) -> bool:
        assert seconds > 0
        free = name not in self.claims
        self.claims.add(name)
        return free

    def release(self, name: bytes) -> None:
        self.claims.discard(name)
