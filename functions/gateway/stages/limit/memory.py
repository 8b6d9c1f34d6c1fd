"""Buckets of one process: exact on its own, and what stands in while Redis is away.

In: keys and limits. Out: decisions at once, never Unavailable. It keeps a bounded number of keys, and first forgets
those that are full again: a full bucket and an unknown one are the same.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection

from functions.gateway.stages.limit.bucket import Refusal, Verdict, decide
from functions.gateway.stages.limit.policy import Policies

Clock = Callable[[], int]  # microseconds, from any origin, never backwards

_SAMPLE = 4  # keys looked at whenever a new one comes


def steady() -> int:
    """The clock that no correction of the time of day moves."""
    return time.monotonic_ns() // 1000


class MemoryPermits:
    """Permits out of a dictionary of theoretical arrival times.

    The dictionary is a ring: a new key enters at its back, and a few at its front are looked at. Of those the full ones
    go, and where that makes too little room the one that is full soonest; the others join the back.
    """

    def __init__(self, clock: Clock = steady, most: int = 65_536) -> None:
        self._clock = clock
        self._most = most
        self._tats: OrderedDict[str, int] = OrderedDict()

    async def take(self, policies: Policies, keys: tuple[str, ...]) -> Verdict:
        """A permit from each bucket, or from none."""
        return self.share(policies, keys, 1)

    def share(self, policies: Policies, keys: tuple[str, ...], live: int) -> Verdict:
        """The same from what one of `live` instances may admit by itself."""
        verdict, tats = decide(map(self._tats.get, keys), self._clock(), policies.shares(live))
        for key, tat in zip(keys, tats, strict=True):
            self._keep(key, tat)
        return verdict

    def refusal(self, policies: Policies, keys: tuple[str, ...], live: int = 1) -> Refusal | None:
        """What it would refuse with now; it takes nothing."""
        verdict, _ = decide(map(self._tats.get, keys), self._clock(), policies.shares(live))
        return verdict if isinstance(verdict, Refusal) else None

    def learn(self, key: str, debt: int) -> None:
        """Somebody else counts this bucket, and says that it is full again in `debt` microseconds."""
        self._keep(key, self._clock() + debt)

    def debts(self, among: Collection[str] | None = None) -> dict[str, int]:
        """The buckets (of those in `among`, if given) that are not full, and the microseconds until each is."""
        now = self._clock()
        tats = self._tats if among is None else {key: self._tats.get(key, now) for key in among}
        return {key: tat - now for key, tat in tats.items() if tat > now}

    def __len__(self) -> int:
        return len(self._tats)

    def _keep(self, key: str, tat: int) -> None:
        if key not in self._tats:
            self._make_room()
        self._tats[key] = tat

    def _make_room(self) -> None:
        now = self._clock()
        looked_at = [self._tats.popitem(last=False) for _ in range(min(_SAMPLE, len(self._tats)))]
        kept = [(key, tat) for key, tat in looked_at if tat > now]
        if len(self._tats) + len(kept) >= self._most:
            kept.remove(min(kept, key=lambda item: item[1]))
        self._tats.update(kept)
