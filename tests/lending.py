"""Shared buckets in Python: the law of the Redis script, as an oracle for it and as a store that a test can hold.

`lend` decides, `Store` keeps buckets on a clock that the test sets, `Line` is one gateway's way there: a question
leaves, is decided, and its answer arrives when the test says so, or never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from functions.gateway.redis.conversation import Unavailable
from functions.gateway.stages.limit.bucket import Decision
from functions.gateway.stages.limit.desk import LIFE, SLOT, Ask, Loan
from functions.gateway.stages.limit.permits import Lender, Permits
from functions.gateway.stages.limit.policy import Policies
from runtime.units import Limit


class Bucket(NamedTuple):
    tat: int
    leases: Mapping[int, int]  # permits by the slot in which they end


class Room(NamedTuple):
    """What there is to be had of a bucket."""

    start: int  # its TAT before anything is taken
    permits: int
    ahead: int


def policies(*texts: str) -> Policies:
    """Limits as a manifest has them, by the names `default`, `second` and so on."""
    names = ["default", "second", "third", "fourth"]
    return Policies({name: Limit.parse(text) for name, text in zip(names, texts, strict=False)})


def lend(stored: Sequence[Bucket | None], now: int, asked: Policies, ask: Ask) -> tuple[Loan, list[Bucket]]:
    """The answer to `ask`, and what is stored then."""
    known = [bucket or Bucket(now, {}) for bucket in stored]
    left = [_without(bucket, now, pace, ask) for bucket, (pace, *_) in _with(known, asked)]
    rooms = [_room(bucket, now, *numbers) for bucket, numbers in _with(left, asked)]
    taken = min(ask.need, *(room.permits for room in rooms))
    lent = max(0, min(ask.ahead, *(min(room.permits - taken, room.ahead) for room in rooms)))
    slot = (now + LIFE) // SLOT + 1
    after = []
    for (bucket, (pace, *_)), room in zip(_with(left, asked), rooms, strict=True):
        leases = {**bucket.leases, slot: bucket.leases.get(slot, 0) + lent} if lent else bucket.leases
        after.append(Bucket(room.start + (taken + lent) * pace, leases))
    return Loan(now, taken, lent, slot, tuple(bucket.tat for bucket in after)), after


def _with(buckets: Sequence[Bucket], asked: Policies) -> "zip[tuple[Bucket, tuple[int, int, int]]]":
    return zip(buckets, asked.buckets, strict=True)


def _without(bucket: Bucket, now: int, pace: int, ask: Ask) -> Bucket:
    """The bucket after what ended, and after what is given back."""
    leases = {slot: permits for slot, permits in bucket.leases.items() if slot * SLOT > now}
    mine = min(leases.get(ask.slot, 0), ask.lent)
    if mine:
        leases[ask.slot] -= mine
    return Bucket(bucket.tat - min(mine, ask.unused) * pace, {slot: left for slot, left in leases.items() if left})


def _room(bucket: Bucket, now: int, pace: int, burst: int, leasable: int) -> Room:
    out = sum(bucket.leases.values())
    start = min(max(bucket.tat, now + out * pace), now + burst * pace)
    return Room(start, (now + burst * pace - start) // pace, max(0, leasable - out))


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


class Alone:
    """Permits as a test of one bucket takes them: by key and limit."""

    def __init__(self, permits: Permits) -> None:
        self.permits = permits

    async def take(self, key: str, limit: Limit) -> Decision:
        (decision,) = await self.permits.take(Policies({"default": limit}), (key,))
        return decision
