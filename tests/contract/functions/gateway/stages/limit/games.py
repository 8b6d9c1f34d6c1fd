"""Gateways that share limits, played step by step: requests come, questions leave, are decided, are answered or lost.

The law is an ideal bucket for each key, which nobody leases from: whatever is admitted must have been there. `play`
goes through any steps, and holds that never more is admitted than the limit. `calm` loses nothing, and holds that
nobody is refused while more is left than may be out on lease.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple, Protocol

from functions.gateway.redis.conversation import Unavailable
from functions.gateway.stages.limit.bucket import Decisions
from functions.gateway.stages.limit.desk import Ask, Loan
from functions.gateway.stages.limit.leases import Leases, Question
from functions.gateway.stages.limit.policy import Policies, interval
from runtime.units import Limit
from tests.invariants import holds
from tests.lending import Line

GATEWAYS = 4
BIG, SMALL = Limit.parse("12000/1m burst 400"), Limit.parse("6000/1m burst 200")  # 20 and 10 may be on lease
BUNDLES = (Policies({"big": BIG}), Policies({"small": SMALL}), Policies({"big": BIG, "small": SMALL}))
NAMES = (("a",), ("b",), ("a", "b"))
NEVER_MORE, NEVER_FEWER = "never more than the limit", "refused early by at most what is on lease"

_LEASED, _SHARED = ("leased", "admitted"), ("shared", "admitted")


class Lending(Protocol):
    """A store on a clock that the test sets."""

    now: int

    def key(self, name: str) -> str: ...
    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan: ...


class Step(NamedTuple):
    """`what` happens to the gateway `who`; `much` requests or microseconds."""

    what: str
    who: int = 0
    bundle: int = 0
    much: int = 0


class Ideal:
    """A bucket that all see at once."""

    def __init__(self, limit: Limit) -> None:
        self._pace = interval(limit)
        self._burst = limit.burst
        self._tat = 0

    def left(self, now: int) -> int:
        return self._burst - -(-max(0, self._tat - now) // self._pace)

    def take(self, now: int, permits: int) -> None:
        holds(NEVER_MORE, permits <= self.left(now), f"{permits} of {self.left(now)}")
        if permits:
            self._tat = max(self._tat, now) + permits * self._pace


class Game:
    """Gateways and one store."""

    def __init__(self, store: Lending, kind: type[Leases] = Leases) -> None:
        self.store = store
        self.keys = [tuple(store.key(name) for name in names) for names in NAMES]
        self.ideals = {store.key("a"): Ideal(BIG), store.key("b"): Ideal(SMALL)}
        self.ways = [Line() for _ in range(GATEWAYS)]
        self.gateways = [self._gateway(kind, number) for number in range(GATEWAYS)]

    def _gateway(self, kind: type[Leases], number: int) -> Leases:
        game = self

        class Watched(kind):  # type: ignore[valid-type, misc]  # any kind of leases, and what it admits
            def at_once(self, policies: Policies, keys: tuple[str, ...]) -> Decisions | None:
                with self._watched(keys, _LEASED):
                    known: Decisions | None = super().at_once(policies, keys)
                return known

            def _send(self, question: Question) -> Ask | None:
                with self._watched(question.desk.keys, _LEASED):
                    ask: Ask | None = super()._send(question)
                return ask

            def _settle(self, question: Question, loan: Loan | Unavailable) -> None:
                gave = loan.taken if isinstance(loan, Loan) else 0  # which the ideal gave when the store decided
                with self._watched(question.desk.keys, _SHARED, gave):
                    super()._settle(question, loan)

            @contextmanager
            def _watched(self, keys: tuple[str, ...], how: tuple[str, str], gave: int = 0) -> Iterator[None]:
                before = self.decisions[how]
                yield
                game.admit(keys, max(0, self.decisions[how] - before - gave))

        return Watched(self.ways[number], lambda: 1, clock=lambda: self.store.now + number * 10**9)

    def admit(self, keys: tuple[str, ...], permits: int) -> None:
        for key in keys:
            self.ideals[key].take(self.store.now, permits)

    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
        loan = await self.store.lend(asked, keys, ask)
        self.admit(keys, loan.taken)
        return loan

    async def lend_calmly(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
        loan = await self.lend(asked, keys, ask)
        if loan.taken < ask.need:
            spare = [
                self.ideals[key].left(self.store.now) - leasable
                for key, (*_, leasable) in zip(keys, asked.buckets, strict=True)
            ]
            holds(NEVER_FEWER, min(spare) <= 0, spare)
        return loan

    def request(self, step: Step) -> None:
        """Requests of one bundle, all at once."""
        leases, keys, policies = self.gateways[step.who], self.keys[step.bundle], BUNDLES[step.bundle]
        for _ in range(step.much):
            if leases.at_once(policies, keys) is None:
                leases.later(keys).add_done_callback(_read)

    async def step(self, step: Step) -> None:
        way = self.ways[step.who]
        match step.what:
            case "request":
                self.request(step)
            case "leave":
                way.leave()
            case "decide":
                await way.decided(self.lend)
            case "arrive":
                way.arrive()
            case "lose":
                way.lose()
                self.gateways[step.who].forget()
            case "sweep":
                self.gateways[step.who].sweep()
            case _:
                self.store.now += step.much

    async def round_trips(self) -> None:
        for way in self.ways:
            while way.waiting:
                way.leave()
                await way.decided(self.lend_calmly)
                way.arrive()


async def play(store: Lending, steps: Iterable[Step], kind: type[Leases] = Leases) -> None:
    """Any steps at all."""
    game = Game(store, kind)
    for step in steps:
        await game.step(step)
    for way in game.ways:
        way.lose()
    await asyncio.sleep(0)


async def calm(store: Lending, steps: Iterable[Step], kind: type[Leases] = Leases) -> None:
    """Requests and time; every question is answered at once, and gateways sweep as they do."""
    game = Game(store, kind)
    for step in steps:
        await game.step(step)
        await game.round_trips()
        if step.what == "pass":
            for gateway in game.gateways:
                gateway.sweep()
            await game.round_trips()


def games(number: int, *, restless: bool = True) -> Iterator[list[Step]]:
    """Games that are the same each time."""
    random = Random(7)  # noqa: S311  games, not secrets
    whats = ["request"] * 3 + ["pass"] + (["leave", "decide", "arrive", "sweep", "lose"] if restless else [])
    for _ in range(number):
        yield [_step(random, random.choice(whats), restless=restless) for _ in range(60)]


def _step(random: Random, what: str, *, restless: bool) -> Step:
    longest = random.choice([10_000, 2_000_000]) if restless else 400_000
    much = random.randrange(longest) if what == "pass" else random.randrange(1, 60)
    return Step(what, random.randrange(GATEWAYS), random.randrange(len(BUNDLES)), much)


def _read(answer: "asyncio.Future[Decisions]") -> None:
    """Takes note of what became of a request, so that nobody complains that no one did."""
    answer.exception()


def counted(gateways: Iterable[Leases]) -> Counter[tuple[str, ...]]:
    """What all gateways together decided."""
    return sum((gateway.decisions for gateway in gateways), Counter[tuple[str, ...]]())
