"""Gateways that share limits, played step by step: requests come, questions leave, are decided, are answered or lost.

`play` goes through any steps, and holds that no window has more admitted in it than the limit allows. `calm` loses
nothing, and holds that nobody is refused while more is left than may be, or may have been, on lease. A request counts
as admitted for what it is told, whoever says so: at the moment when the store decided, or the gateway by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple, Protocol

from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.desk import Ask, Loan
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.policy import Policies, leasable
from runtime.units import Limit
from tests.contract.functions.gateway.stages.limit.oracle import Windows
from tests.invariants import holds
from tests.lending import Line

BIG, SMALL = Limit.parse("12000/1m burst 400"), Limit.parse("6000/1m burst 200")  # 20 and 10 may be on lease
NAMES = (("a",), ("b",), ("a", "b"))
NEVER_FEWER = "refused early by at most what is and was on lease"


Told = Callable[[bool], None]  # whether a request was admitted


class Lending(Protocol):
    """A store on a clock that the test sets."""

    now: int

    def key(self, name: str) -> str: ...
    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan: ...


class World(NamedTuple):
    """Who plays, and for what."""

    a: Limit = BIG
    b: Limit = SMALL
    gateways: int = 4
    live: int = 1  # gateways that each of them knows of: who knows of none wants all that may be on lease
    drift: int = 0  # thousandths by which every other gateway's clock is faster than the store's, and the rest slower

    @property
    def bundles(self) -> tuple[Policies, ...]:
        return Policies({"a": self.a}), Policies({"b": self.b}), Policies({"a": self.a, "b": self.b})

    def clock(self, store: Lending, number: int) -> Callable[[], int]:
        """Of a gateway: hours off, and not as fast."""
        began, rate = store.now, 1000 + self.drift * (-1) ** number
        return lambda: number * 10**9 + (store.now - began) * rate // 1000


class Step(NamedTuple):
    """`what` happens to the gateway `who`; `much` requests or microseconds."""

    what: str
    who: int = 0
    bundle: int = 0
    much: int = 0


class Game:
    """Gateways and one store."""

    def __init__(self, store: Lending, world: World, kind: type[Leases] = Leases, *, calm: bool = False) -> None:
        self.store = store
        self.calm = calm
        self.told: Counter[str] = Counter()
        self._bundles = world.bundles
        self._keys = [tuple(store.key(name) for name in names) for names in NAMES]
        self.windows = {store.key("a"): Windows(world.a), store.key("b"): Windows(world.b)}
        self._leasable = {store.key("a"): leasable(world.a), store.key("b"): leasable(world.b)}
        self.ways = [Line() for _ in range(world.gateways)]
        self.gateways = [
            kind(way, lambda: world.live, clock=world.clock(store, number)) for number, way in enumerate(self.ways)
        ]
        self._gave: Counter[tuple[int, tuple[str, ...]]] = Counter()  # by the store, and not yet told to who asked
        self._answers: list[tuple[int, tuple[str, ...], asyncio.Future[Verdict], Told]] = []

    def request(self, who: int, bundle: int, told: Told = lambda admitted: None) -> None:  # noqa: ARG005
        """One request; `told` is called when it is answered, at once or later."""
        leases, keys = self.gateways[who], self._keys[bundle]
        verdict = leases.at_once(self._bundles[bundle], keys)
        if verdict is None:
            leases.later(keys).add_done_callback(lambda answer: self._answers.append((who, keys, answer, told)))
        else:
            told(self._counted(keys, verdict))

    async def heard(self, *, arriving: bool = False) -> None:
        """Who was answered hears of it. Of those to whom an answer has come as many were counted as the store gave."""
        await asyncio.sleep(0)
        answers, self._answers = self._answers, []
        for who, keys, answer, told in answers:
            if answer.exception():
                self.told["lost"] += 1
                continue
            given = arriving and self._gave[who, keys] > 0 and isinstance(answer.result(), Admission)
            self._gave[who, keys] -= given
            told(self._counted(keys, answer.result(), given=given))

    def _counted(self, keys: tuple[str, ...], verdict: Verdict, *, given: bool = False) -> bool:
        """Whether it was admitted; `given`: it was counted when the store decided."""
        self.told[type(verdict).__name__] += 1
        if isinstance(verdict, Refusal):
            self._holds_enough(keys)
        elif not given:
            self._take(keys, 1)
        return isinstance(verdict, Admission)

    def _take(self, keys: tuple[str, ...], permits: int) -> None:
        for key in keys:
            self.windows[key].take(self.store.now, permits)

    def _holds_enough(self, keys: tuple[str, ...]) -> None:
        if self.calm:
            spare = [self.windows[key].left(self.store.now) - 2 * self._leasable[key] for key in keys]
            holds(NEVER_FEWER, min(spare) <= 0, spare)

    async def step(self, step: Step) -> None:
        who = step.who % len(self.ways)
        match step.what:
            case "request":
                for _ in range(step.much):
                    self.request(who, step.bundle)
            case "drip":
                for _ in range(12):
                    self.request(who, step.bundle)
                    await self.round_trip(who)
                    self.store.now += step.much
            case "leave":
                self.ways[who].leave()
            case "decide":
                await self.decide(who)
            case "arrive":
                await self.arrive(who)
            case "lose":
                self.ways[who].lose()
                self.gateways[who].forget()
            case "sweep":
                self.gateways[who].sweep()
            case _:
                self.store.now += step.much
        await self.heard()  # before time passes

    async def decide(self, who: int) -> None:
        """The store decides what has left."""

        async def lend(asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
            loan = await self.store.lend(asked, keys, ask)
            self._take(keys, loan.taken)
            self._gave[who, keys] = loan.taken
            return loan

        await self.ways[who].decided(lend)

    async def arrive(self, who: int) -> None:
        """The answers arrive, and those who waited are told."""
        self.ways[who].arrive()
        await self.heard(arriving=True)

    async def round_trip(self, who: int) -> None:
        self.ways[who].leave()
        await self.heard()
        await self.decide(who)
        await self.arrive(who)

    async def round_trips(self) -> None:
        """Until nobody has anything to ask."""
        for who, way in enumerate(self.ways):
            while way.waiting:
                await self.round_trip(who)

    async def end(self) -> None:
        for way in self.ways:
            way.lose()
        await self.heard()


async def play(store: Lending, world: World, steps: Iterable[Step], kind: type[Leases] = Leases) -> None:
    """Any steps at all."""
    game = Game(store, world, kind)
    try:
        for step in steps:
            await game.step(step)
    finally:
        await game.end()


async def calm(store: Lending, world: World, steps: Iterable[Step], kind: type[Leases] = Leases) -> None:
    """Requests and time; every question is answered at once, and gateways sweep as they do."""
    game = Game(store, world, kind, calm=True)
    try:
        for step in steps:
            await game.step(step)
            await game.round_trips()
            if step.what == "pass":
                for gateway in game.gateways:
                    gateway.sweep()
                await game.round_trips()
    finally:
        await game.end()


Play = Callable[[Lending, World, Iterable[Step], type[Leases]], Awaitable[None]]


def games(number: int, *, restless: bool = True) -> Iterator[list[Step]]:
    """Games that are the same each time."""
    random = Random(7)  # noqa: S311  games, not secrets
    whats = ["request"] * 3 + ["pass", "drip"] + (["leave", "decide", "arrive", "sweep", "lose"] if restless else [])
    for _ in range(number):
        yield [_step(random, random.choice(whats), restless=restless) for _ in range(60)]


def _step(random: Random, what: str, *, restless: bool) -> Step:
    longest = random.choice([10_000, 2_000_000]) if restless else 400_000
    much = {"pass": random.randrange(longest), "drip": random.randrange(20_000)}.get(what, random.randrange(1, 60))
    return Step(what, random.randrange(4), random.randrange(len(NAMES)), much)


def counted(gateways: Iterable[Leases]) -> Counter[tuple[str, ...]]:
    """What all gateways together decided."""
    return sum((gateway.decisions for gateway in gateways), Counter[tuple[str, ...]]())
