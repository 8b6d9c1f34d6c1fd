"""GCRA, the pure part: given what is stored, now, and a limit, is a permit to be had, and what is stored next?

It knows no store, no clock and no request. Source: ATM Forum TM 4.1, section 4.4.2 (virtual scheduling), where all that
is stored is the theoretical arrival time (TAT): the moment at which the bucket is full again. gcra.lua says the same.
Times are whole microseconds on the store's clock; what clients are told is in seconds.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from functions.gateway.stages.limit.policy import MICROSECONDS, Bucket


class State(NamedTuple):
    """What a client is told of one bucket."""

    remaining: int  # permits that could be had at once
    next_permit: float  # seconds until one more than that could be had; 0.0 when the bucket is full


class Admission:
    """A permit was taken from every bucket. Only who has taken them makes one."""

    __slots__ = ("states",)

    def __init__(self, states: tuple[State, ...]) -> None:
        self.states = states  # none: nobody could decide, and the policies say that the request passes then


class Refusal:
    """No permit was taken from any bucket. It has nothing in common with an Admission that could be mistaken."""

    __slots__ = ("retry_after", "states", "violated")

    def __init__(self, states: tuple[State, ...], violated: tuple[int, ...], retry_after: float) -> None:
        self.states = states
        self.violated = violated  # which of the buckets have no permit: one at least
        self.retry_after = retry_after  # seconds until all have one: more than 0.0


Verdict = Admission | Refusal


def decide(tats: Iterable[int | None], now: int, buckets: Sequence[Bucket]) -> tuple[Verdict, list[int]]:
    """Takes a permit from each bucket that is full again at its TAT (None: it is full), or from none; the TATs then."""
    after, empty = [], False
    for tat, (pace, burst, _) in zip(tats, buckets, strict=True):
        last = now + (burst - 1) * pace  # a bucket that is full again later than this has no permit
        start = now if tat is None or tat < now else tat
        if start > last:
            start, empty = min(start, last + pace), True
        after.append(start + pace)
    if not empty:
        return admission(after, now, buckets), after
    before = [tat - pace for tat, (pace, *_) in zip(after, buckets, strict=True)]
    return refusal(waits(before, now, buckets), before, now, buckets), before


def waits(tats: Iterable[int], now: int, buckets: Sequence[Bucket]) -> list[int]:
    """Microseconds until each bucket has a permit; 0 or less where there is one."""
    return [tat - now - (burst - 1) * pace for tat, (pace, burst, _) in zip(tats, buckets, strict=True)]


def admission(tats: Iterable[int], now: int, buckets: Sequence[Bucket]) -> Admission:
    """What is told of buckets from each of which a permit was taken; `tats` are those after it."""
    return Admission(
        tuple([_state(tat - now, pace, burst) for tat, (pace, burst, _) in zip(tats, buckets, strict=True)])
    )


def refusal(due: Sequence[int], tats: Iterable[int], now: int, buckets: Sequence[Bucket]) -> Refusal:
    """What is told of buckets that give none for so many microseconds; those that do, keep theirs."""
    if max(due) <= 0:  # whoever refused did not say for which of them: each is worth a try at its next permit
        due = [pace for pace, *_ in buckets]
    states = [
        State(0, wait / MICROSECONDS) if wait > 0 else _state(tat - now, pace, burst)
        for wait, tat, (pace, burst, _) in zip(due, tats, buckets, strict=True)
    ]
    violated = [index for index, wait in enumerate(due) if wait > 0]
    return Refusal(tuple(states), tuple(violated), max(due) / MICROSECONDS)


def _state(debt: int, pace: int, burst: int) -> State:
    remaining, part = divmod(burst * pace - debt, pace)
    return State(remaining, (pace - part) / MICROSECONDS if debt else 0.0)
