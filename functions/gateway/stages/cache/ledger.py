"""What was invalidated when: so that a fill that began before an invalidation never brings the old answer back.

In: names of what was invalidated. Out: moments, as whole numbers that grow, and whether anything came since one. It
keeps a bounded number of names, as hashes: where two are equal, too much counts as invalidated. Of a moment before the
oldest that it knows everything does.
"""

from collections import OrderedDict
from collections.abc import Iterable

Moment = int


class Ledger:
    """The invalidations that one instance has heard of."""

    def __init__(self, most: int = 65_536) -> None:
        self._most = most
        self._gone: OrderedDict[int, Moment] = OrderedDict()
        self._known_since: Moment = 0
        self.now: Moment = 0

    def note(self, names: Iterable[bytes]) -> None:
        """These are invalidated now."""
        self.now += 1
        for name in map(hash, names):
            self._gone[name] = self.now
            self._gone.move_to_end(name)
        while len(self._gone) > self._most:
            _, self._known_since = self._gone.popitem(last=False)

    def forget(self) -> None:
        """Something may have been missed: all that began before now counts as invalidated."""
        self.now += 1
        self._known_since = self.now
        self._gone.clear()

    def since(self, began: Moment, names: Iterable[bytes]) -> bool:
        """Whether any of `names` was invalidated after the moment `began`."""
        return began < self._known_since or any(self._gone.get(hash(name), 0) > began for name in names)
