"""Where answers are kept: level one in this instance's memory, level two for all gateways.

In: keys, answers and what is to be forgotten. Out: what is held, newest first. What began before an invalidation is
never kept after it, on either level. It asks no function and knows no request.

While level two can't be heard, level one goes on: but as invalidations may be missed, it serves only what was asked
for less than ALONE seconds ago; of all else it asks first whether it still holds.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from functions.gateway.stages.cache import keys
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.far import Far, Found
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.ledger import Ledger, Moment
from functions.gateway.stages.cache.shelf import Shelf

ALONE = 3.0  # seconds
HEARD = 2.0  # seconds for which level one is trusted after invalidations were heard of last
UNTOLD = 10_000  # names that wait for level two to come back; where there are more, it is to forget everything

Clock = Callable[[], float]


class Began(NamedTuple):
    """When a fill began: by this instance's ledger, and by level two's ("": it was not asked)."""

    here: Moment
    there: bytes = b""


class Recalled(NamedTuple):
    """What is held of a target on both levels, newest first, and when that was so."""

    held: Sequence[Stored]
    began: Began
    far: bool = False  # whether some of it came from level two just now


class Levels:
    """All that one gateway holds, `most` bytes of it; `on_invalidated` are told of every invalidation.

    `clock` gives the epoch seconds of answers, `monotonic` measures how long nothing was heard of level two.
    """

    def __init__(
        self, most: int, far: Far | None = None, clock: Clock = time.time, monotonic: Clock = time.monotonic
    ) -> None:
        self.shelf = Shelf(most)
        self.far = far
        self.on_invalidated: list[Callable[[], None]] = []
        self.invalidations = 0
        self.recalls = {"found": 0, "missed": 0, "away": 0}
        self._clock = clock
        self._monotonic = monotonic
        self._trusted_until = 0.0
        self._ledger = Ledger()
        self._recalls: dict[Key, asyncio.Future[Recalled]] = {}
        self._untold: dict[bytes, None] = {}
        self._everything = False  # more was to be told than is remembered
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> Moment:
        """Of this instance's ledger."""
        return self._ledger.now

    @property
    def alone(self) -> bool:
        """Whether level two can't be heard."""
        return self.far is not None and self._monotonic() >= self._trusted_until

    def held(self, key: Key) -> Sequence[Stored]:
        """What is held of a target in memory."""
        held = self.shelf.held(key)
        return self._guarded(held) if held and self.alone else held

    async def recall(self, key: Key) -> Recalled:
        """What is held of a target on both levels; those who ask at once make one question."""
        if self.far is None or self.alone:
            return Recalled(self.held(key), Began(self._ledger.now))
        waiting = self._recalls.get(key)
        if waiting is None:
            waiting = self._recalls[key] = asyncio.get_running_loop().create_future()
            self.far.find(key, partial(self._recalled, key, waiting, self._ledger.now))
        return await asyncio.shield(waiting)

    def keep(self, function: str, key: Key, stored: Stored, began: Began) -> None:
        """Keeps what a fill that `began` then has brought, unless it may be of before an invalidation."""
        tags = keys.tags(function, stored)
        if self._ledger.since(began.here, (key, *tags)):
            return
        self.shelf.put(key, stored, tags)
        if self.far is not None and began.there:
            self.far.keep(key, tags, stored, began.there)

    def drop(self, key: Key, outdated: Collection[Stored]) -> None:
        """These are not what a target has any more."""
        self.shelf.drop(key, outdated)
        if self.far is not None and not self.alone:
            self.far.drop(key, outdated)

    async def invalidate(self, names: Collection[bytes]) -> None:
        """Forgets targets by key or by tag, here at once and everywhere; what can't be told now is told later."""
        self.forget(names)
        if self.far is not None and (self.alone or not await self.far.invalidate(names)):
            self.tell_later(names)

    def invalidate_soon(self, names: Collection[bytes]) -> None:
        """The same for who can't wait, because its own time is over."""
        self.forget(names)
        telling = asyncio.get_running_loop().create_task(self.invalidate(names))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def tell_later(self, names: Collection[bytes]) -> None:
        """These have to be invalidated on level two when it is back."""
        self._untold.update(dict.fromkeys(names))
        if self._everything or len(self._untold) > UNTOLD:
            self._everything = True
            self._untold.clear()

    def forget(self, names: Collection[bytes]) -> None:
        """Forgets targets by key or by tag in this instance; answers that are on their way count as older."""
        self._ledger.note(names)
        self.shelf.invalidate(names)
        self._invalidated()

    def forget_all(self) -> None:
        """Forgets everything in this instance: nobody knows what it missed."""
        self._ledger.forget()
        self.shelf.clear()
        self._invalidated()

    async def heard(self) -> None:
        """All invalidations until now are known here."""
        if self.far is not None and not await self._told(self.far):
            return
        self._trusted_until = self._monotonic() + HEARD

    def lost(self) -> None:
        """Level two did not answer: nobody asks it again until it is heard of."""
        self._trusted_until = 0.0

    async def _told(self, far: Far) -> bool:
        """Whether level two knows all that waited. What comes meanwhile is told the next time, the same names too."""
        everything, self._everything = self._everything, False
        names, self._untold = self._untold, {}
        if (everything and not await far.clear()) or (names and not await far.invalidate(names)):
            self._everything = self._everything or everything
            self.tell_later(names)
            return False
        return True

    def _recalled(self, key: Key, waiting: "asyncio.Future[Recalled]", began: Moment, found: Found | None) -> None:
        """Takes what level two has: into memory, and to those who wait."""
        if self._recalls.get(key) is waiting:
            del self._recalls[key]
        self.recalls["away" if found is None else "found" if found.stored else "missed"] += 1
        if not waiting.done():
            waiting.set_result(self._merged(key, began, found))

    def _merged(self, key: Key, began: Moment, found: Found | None) -> Recalled:
        held = self.held(key)
        if found is None:
            return Recalled(held, Began(began))
        known = {stored.variant: stored.received for stored in held}
        newer = [stored for stored in found.stored if stored.received > known.get(stored.variant, 0.0)]
        function = key.partition(b" ")[0].decode()
        newer = [one for one in newer if not self._ledger.since(began, (key, *keys.tags(function, one)))]
        for stored in reversed(newer):
            self.shelf.put(key, stored, keys.tags(function, stored))
        replaced = {stored.variant for stored in newer}
        merged = [*newer, *(stored for stored in held if stored.variant not in replaced)]
        merged.sort(key=lambda stored: stored.received, reverse=True)
        return Recalled(merged, Began(began, found.moment), far=bool(newer))

    def _guarded(self, held: Sequence[Stored]) -> Sequence[Stored]:
        """What was asked for lately as it is; all else is only to be asked about."""
        since = self._clock() - ALONE
        return [
            stored if stored.requested >= since else msgspec.structs.replace(stored, always=True, strict=True)
            for stored in held
        ]

    def _invalidated(self) -> None:
        self.invalidations += 1
        self._recalls.clear()
        for tell in self.on_invalidated:
            tell()
