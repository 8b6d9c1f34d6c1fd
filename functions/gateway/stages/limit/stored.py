"""Buckets as a shared store holds them, read back for a person: whose each is, what is left of it, what is on lease.

In: the routes, a key and its text as gcra.lua writes it, and now on the store's clock. It knows no store.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from functions.gateway.routes import Route
from functions.gateway.stages.limit.desk import SLOT
from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from functions.gateway.stages.limit.subject import bucket_of
from runtime.units import Limit

_BUCKET = re.compile(r"(?P<function>\S+) (?P<route>\S+ \S+) (?P<name>\S+) (?P<by>\S+) (?P<whose>.+)", re.DOTALL)

Rules = Mapping[str, Limit]  # by what the keys of their buckets begin with


class Stored(NamedTuple):
    """One bucket that is not full, or that has permits on lease."""

    key: str
    limit: Limit | None  # None: no route has it any more
    left: int  # permits that may be had now, not counting those on lease; 0 without a limit
    leased: int
    full_in: float  # seconds

    @property
    def used(self) -> float:
        """The part of the bucket that is not left, 0.0 to 1.0."""
        return 1 - self.left / self.limit.burst if self.limit else 0.0


def rules(routes: Iterable[Route]) -> Rules:
    """Every limit that there is."""
    return {
        bucket_of(f"{route.function} {route.template}", name, rule.by): rule.limit
        for route in routes
        for name, rule in route.rules.items()
    }


def read(key: str, text: str, now: int, among: Rules) -> Stored | None:
    """What `text` says at `now` (microseconds); None for what is no bucket, or says nothing any more."""
    found = _BUCKET.fullmatch(key)
    tat, *lent = text.split(" ")
    if found is None or not tat.isdigit():
        return None
    leases = {int(slot) * SLOT: int(permits) for slot, _, permits in (lease.partition(":") for lease in lent)}
    out = sum(permits for ends, permits in leases.items() if ends > now)
    limit = among.get(key.removesuffix(f" {found['whose']}"))
    if limit is None:
        debt = max(0, int(tat) - now)
        return Stored(key, None, 0, out, debt / MICROSECONDS) if debt or out else None
    pace = interval(limit)
    debt = min(max(int(tat) - now, _withheld(leases, pace, now)), limit.burst * pace)
    return Stored(key, limit, limit.burst - -(-debt // pace), out, debt / MICROSECONDS) if debt else None


def _withheld(leases: Mapping[int, int], pace: int, now: int) -> int:
    """How far a bucket is from full in any case, as gcra.lua has it: what is on lease didn't refill before its end."""
    seen = [(min(end, now), sum(permits for ends, permits in leases.items() if ends >= end)) for end in leases]
    return max([0, *(moment - now + out * pace for moment, out in seen)])
