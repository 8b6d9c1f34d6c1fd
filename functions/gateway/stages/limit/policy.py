"""A limit in the whole microseconds that buckets count in: the pace of its refill and the share of one instance.

Integers, so that a bucket in Python and a bucket in Redis agree to the microsecond, whatever their clocks have reached.
"""

from collections.abc import Mapping
from typing import Literal

from runtime.units import Limit

MICROSECONDS = 1_000_000  # in a second
OnFailure = Literal["local", "open", "closed"]
Bucket = tuple[int, int, int]  # microseconds between permits, the permits in a full one, and how many may be on lease

_PART = 20  # at most a twentieth of what a bucket holds is out on lease


def interval(limit: Limit) -> int:
    """Microseconds between permits, rounded up: never looser than the limit, stricter by less than 1 µs a permit."""
    return -(-limit.period * MICROSECONDS // limit.count)


def leasable(limit: Limit) -> int:
    """The permits that may be out on lease in all: a twentieth of what the bucket holds."""
    return limit.burst // _PART


def bucket(limit: Limit) -> Bucket:
    """A limit in the numbers that are counted in."""
    return interval(limit), limit.burst, leasable(limit)


def share(limit: Limit, live: int) -> Limit:
    """What one of `live` equal instances may admit by itself, so that together they keep to `limit`.

    A burst smaller than `live` can't be divided: each holds one permit then. The refill is always a fair share, and a
    bucket takes as long to fill as the whole one does: its theoretical arrival time means the same in both.
    """
    return Limit(limit.count, limit.period * live, max(1, limit.burst // live))


class Policies:
    """The limits of one route, by name: a request takes a permit from each of them, or from none.

    `on_failure` is what becomes of a request while the shared store is away: the share of this instance decides
    (`local`), it passes (`open`), or it is turned away (`closed`).
    """

    __slots__ = ("_shares", "buckets", "leasable", "limits", "names", "on_failure")

    def __init__(self, limits: Mapping[str, Limit], on_failure: OnFailure = "local") -> None:
        self.names = tuple(limits)
        self.limits = tuple(limits.values())
        self.on_failure = on_failure
        self.buckets = tuple(map(bucket, self.limits))
        self.leasable = min(map(leasable, self.limits))
        self._shares: dict[int, tuple[Bucket, ...]] = {}

    def shares(self, live: int) -> tuple[Bucket, ...]:
        """What one of `live` instances may admit by itself."""
        if live not in self._shares:
            self._shares[live] = tuple(bucket(share(limit, live)) for limit in self.limits)
        return self._shares[live]
