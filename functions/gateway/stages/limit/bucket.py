"""GCRA, the pure part: given what is stored, now, and a limit, is a permit to be had, and what is stored next?

It knows no store, no clock and no request. Source: ATM Forum TM 4.1, section 4.4.2 (virtual scheduling), where all that
is stored is the theoretical arrival time (TAT): the moment at which the bucket is full again. gcra.lua says the same.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from runtime.units import Limit


class Decision(NamedTuple):
    """What a bucket answered. Times called seconds are for people and headers; microseconds are what is stored."""

    admitted: bool
    remaining: int  # permits that could be had at once
    retry_after: float  # seconds until the same cost is admitted; 0.0 when it was
    next_permit: float  # seconds until one more than `remaining` could be had; 0.0 when the bucket is full
    tat: int  # theoretical arrival time to store, microseconds on the store's clock
    now: int  # when this was decided, microseconds on the same clock


Decisions = tuple[Decision, ...]  # one for each bucket that a request takes from


def decide(tat: int | None, now: int, limit: Limit, cost: int = 1) -> Decision:
    """Takes `cost` permits at `now` from the bucket that is full again at `tat` (None: it is full), or none at all."""
    pace = interval(limit)
    full = limit.burst * pace
    start = now if tat is None else min(max(tat, now), now + full)
    after = start + cost * pace
    admitted = after - now <= full
    return decision(admitted, after if admitted else start, now, limit, cost)


def decide_all(tats: Iterable[int | None], now: int, limits: Sequence[Limit]) -> Decisions:
    """Takes a permit from each bucket, or from none: those that had one are told as admitting, and keep it."""
    taken = tuple(decide(tat, now, limit) for tat, limit in zip(tats, limits, strict=True))
    if all(decision.admitted for decision in taken):
        return taken
    return tuple(
        decision(admitted=True, tat=each.tat - interval(limit), now=now, limit=limit) if each.admitted else each
        for each, limit in zip(taken, limits, strict=True)
    )


def decision(admitted: bool, tat: int, now: int, limit: Limit, cost: int = 1) -> Decision:  # noqa: FBT001  it is the first field
    """What `tat`, as it is to be stored, means to the client, whoever decided."""
    pace = interval(limit)
    left = limit.burst * pace - (tat - now)
    remaining, part = divmod(left, pace)
    retry_after = 0 if admitted else cost * pace - left
    next_permit = 0 if tat == now else pace - part
    return Decision(admitted, remaining, retry_after / MICROSECONDS, next_permit / MICROSECONDS, tat, now)


def refused(decisions: Decisions) -> bool:
    """Whether any bucket had no permit."""
    for decision in decisions:  # noqa: SIM110  every limited request comes by, and a generator costs as much again
        if not decision.admitted:
            return True
    return False
