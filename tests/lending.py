"""Shared buckets in Python: the law of the Redis script, as an oracle for it and as a store that a test can hold.

`lend` decides, `Store` keeps buckets on a clock that the test sets, `Line` is one gateway's way there: a question
leaves, is decided, and its answer arrives when the test says so, or never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.desk import LIFE, SLOT, Ask, Loan
from functions.gateway.stages.limit.permits import Lender, Permits
from functions.gateway.stages.limit.policy import Policies
from runtime.units import Limit


class Bucket(NamedTuple):
    tat: int
    leases: Mapping[int, int]  # permits by the slot in which they end


class Room(NamedTuple):
    """What there is to be had of a bucket."""

    permits: int
    ahead: int


def policies(*texts: str) -> Policies:
    """Limits as a manifest has them, by the names `default`, `second` and so on."""
    names = ["default", "second", "third", "fourth"]
    return Policies({name: Limit.parse(text) for name, text in zip(names, texts, strict=False)})


def lend(stored: Sequence[Bucket | None], now: int, asked: Policies, ask: Ask) -> tuple[Loan, list[Bucket]]:
    """The answer to `ask`, and what is stored then."""
    known = [bucket or Bucket(now, {}) for bucket in stored]
    refilled = [_refilled(bucket, now, pace, burst) for bucket, (pace, burst, _) in _with(known, asked)]
    left = [_without(bucket, pace, ask) for bucket, (pace, *_) in _with(refilled, asked)]
    rooms = [_room(bucket, now, *numbers) for bucket, numbers in _with(left, asked)]
    taken = min(ask.need, *(room.permits for room in rooms))
    lent = min(ask.ahead, *(min(room.permits - taken, room.ahead) for room in rooms))
    slot = (now + LIFE) // SLOT + 2
    after = []
    for bucket, (pace, *_) in _with(left, asked):
        leases = {**bucket.leases, slot: bucket.leases.get(slot, 0) + lent} if lent else bucket.leases
        after.append(Bucket(bucket.tat + (taken + lent) * pace, leases))
    spare = min(room.ahead for room in rooms) - lent
    return Loan(now, taken, lent, slot, spare, tuple(bucket.tat for bucket in after)), after


def _with(buckets: Sequence[Bucket], asked: Policies) -> "zip[tuple[Bucket, tuple[int, int, int]]]":
    return zip(buckets, asked.buckets, strict=True)


def _refilled(bucket: Bucket, now: int, pace: int, burst: int) -> Bucket:
    """The bucket after one lease after the other has ended: while they last it fills to its burst less all of them."""
    tat, leases = bucket
    for slot in sorted(leases):
        if slot * SLOT <= now:
            tat = max(tat, slot * SLOT + sum(leases.values()) * pace)
            leases = {other: permits for other, permits in leases.items() if other != slot}
    return Bucket(min(max(tat, now + sum(leases.values()) * pace), now + burst * pace), leases)


def _without(bucket: Bucket, pace: int, ask: Ask) -> Bucket:
    """The bucket after what is given back."""
    mine = min(bucket.leases.get(ask.slot, 0), ask.lent)
    leases = {slot: permits - mine * (slot == ask.slot) for slot, permits in bucket.leases.items()}
    return Bucket(bucket.tat - min(mine, ask.unused) * pace, {slot: left for slot, left in leases.items() if left})


def _room(bucket: Bucket, now: int, pace: int, burst: int, leasable: int) -> Room:
    return Room((now + burst * pace - bucket.tat) // pace, max(0, leasable - sum(bucket.leases.values())))


class Store:
    """Buckets that gateways share, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 10**10
        self.buckets: dict[str, Bucket] = {}
        self.calls = 0

    def key(self, name: str) -> str:
        """A key that no other store has."""
        return name

    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
        """Decides."""
        self.calls += 1
        loan, after = lend([self.buckets.get(key) for key in keys], self.now, asked, ask)
        self.buckets.update(zip(keys, after, strict=True))
        return loan


Waiting = tuple[Policies, tuple[str, ...], Callable[[], Ask | None], Callable[[Loan | Unavailable], None]]


class Line:
    """One gateway's way to the store: one batch of questions is under way at a time, as on a connection."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.under_way: list[tuple[Waiting, Ask]] = []
        self.answers: list[Loan] = []

    def ask(
        self,
        asked: Policies,
        keys: tuple[str, ...],
        make: Callable[[], Ask | None],
        settle: Callable[[Loan | Unavailable], None],
    ) -> None:
        self.waiting.append((asked, keys, make, settle))

    async def seed(self, debts: Mapping[str, int]) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """What waits leaves, unless something is under way."""
        if not self.under_way:
            waiting, self.waiting = self.waiting, []
            made = [(question, question[2]()) for question in waiting]
            self.under_way = [(question, ask) for question, ask in made if ask is not None]

    async def decided(self, lend: Callable[[Policies, tuple[str, ...], Ask], Awaitable[Loan]]) -> None:
        """The store decides what is under way, if it has not yet."""
        if not self.answers:
            for (asked, keys, *_), ask in self.under_way:
                self.answers.append(await lend(asked, keys, ask))

    def arrive(self) -> None:
        """The answers arrive."""
        if self.answers:
            settled, self.under_way = zip(self.under_way, self.answers, strict=True), []
            self.answers = []
            for ((*_, settle), _), loan in settled:
                settle(loan)

    def lose(self) -> None:
        """Nothing that was asked is ever answered."""
        lost = [*(question for question, _ in self.under_way), *self.waiting]
        self.under_way, self.waiting, self.answers = [], [], []
        for *_, settle in lost:
            settle(Unavailable("lost"))


async def asked_of(lender: Lender, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
    """What a lender answers to one question. Raises Unavailable."""
    answer: asyncio.Future[Loan | Unavailable] = asyncio.get_running_loop().create_future()
    lender.ask(asked, keys, lambda: ask, answer.set_result)
    loan = await answer
    if isinstance(loan, Unavailable):
        raise loan
    return loan


class Taken(NamedTuple):
    """What was decided of one bucket."""

    admitted: bool
    remaining: int
    retry_after: float
    next_permit: float


def alone(verdict: Verdict) -> Taken:
    """A verdict on one bucket."""
    ((remaining, next_permit),) = verdict.states
    admitted = isinstance(verdict, Admission)
    return Taken(admitted, remaining, verdict.retry_after if isinstance(verdict, Refusal) else 0.0, next_permit)


class Alone:
    """Permits as a test of one bucket takes them: by key and limit."""

    def __init__(self, permits: Permits) -> None:
        self.permits = permits

    async def take(self, key: str, limit: Limit) -> Taken:
        return alone(await self.permits.take(Policies({"default": limit}), (key,)))
