"""Gateways as they run, over a store that goes and comes back, in time that passes only when there is nothing to do.

`Remote` is the way there: answers take time, and are lost with what happens to the store meanwhile, as over a
connection. Whoever asks finds it gone, at once or after what a request has patience for, and a store that was started
anew is never taken for the one that was there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from functions.gateway.redis.conversation import PATIENCE
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission
from functions.gateway.stages.limit.desk import Ask, Loan
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import MICROSECONDS, Policies
from runtime.serving.background import beside
from runtime.units import Limit
from tests import virtual
from tests.lending import Bucket, Store

KEY = "key"


class Server:
    """The store; `age` counts its starts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.store = Store()
        self.up = True
        self.hangs = False
        self.age = 0
        self._clock = clock
        self._moment = 0.0

    def restart(self) -> None:
        """Empty."""
        self.store.buckets.clear()
        self.age += 1
        self._moment = 0.0

    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
        self._set()
        return await self.store.lend(asked, keys, ask)

    def meet(self, within: float) -> float:
        """As meet.lua."""
        if self._moment <= self._clock():
            self._moment = self._clock() + within
        return self._moment - self._clock()

    def seed(self, debts: Mapping[str, int]) -> None:
        """As seed.lua."""
        self._set()
        for key, debt in debts.items():
            known = self.store.buckets.get(key, Bucket(0, {}))
            self.store.buckets[key] = known._replace(tat=max(known.tat, self.store.now + debt))

    def _set(self) -> None:
        self.store.now = 10**10 + int(self._clock() * MICROSECONDS)


Waiting = tuple[Policies, tuple[str, ...], Callable[[], Ask | None], Callable[[Loan | Unavailable], None]]


class Remote:
    """A gateway's connection: one round trip is under way at a time, and takes `delay` seconds."""

    def __init__(self, server: Server, delay: float) -> None:
        self._server = server
        self._delay = delay
        self._age = server.age
        self._waiting: list[Waiting] = []
        self._sender: asyncio.Task[None] | None = None

    def ask(
        self,
        asked: Policies,
        keys: tuple[str, ...],
        make: Callable[[], Ask | None],
        settle: Callable[[Loan | Unavailable], None],
    ) -> None:
        self._waiting.append((asked, keys, make, settle))
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            made = [(question, ask) for question in waiting if (ask := question[2]()) is not None]
            try:
                async with self._trip():
                    answers = [await self._server.lend(asked, keys, ask) for (asked, keys, *_), ask in made]
            except Unavailable as error:
                lost, self._waiting = [*(question for question, _ in made), *self._waiting], []
                for *_, settle in lost:
                    settle(error)
            else:
                for ((*_, settle), _), answer in zip(made, answers, strict=True):
                    settle(answer)
        self._sender = None

    @asynccontextmanager
    async def _trip(self) -> AsyncIterator[None]:
        await self._reach()
        yield
        await self._reach()

    async def _reach(self) -> None:
        """Half a round trip. Raises Unavailable."""
        server = self._server
        await asyncio.sleep(PATIENCE if server.hangs else self._delay / 2 if server.up else 0.0)
        if self._age != server.age or server.hangs or not server.up:
            self._age = server.age
            raise Unavailable("gone")

    async def meet(self, within: float) -> float:
        async with self._trip():
            return self._server.meet(within)

    async def seed(self, debts: Mapping[str, int]) -> None:
        async with self._trip():
            self._server.seed(debts)

    async def lost(self) -> bool:
        return not self._server.up or self._age != self._server.age


class Outage(NamedTuple):
    """What befalls the store, when and for how long, in seconds."""

    kind: str  # "stopped", "hanging" or "restarted"
    begins: float = 2.0
    lasts: float = 3.0
    after: float = 3.0

    @property
    def whole(self) -> float:
        """Until the last request."""
        return self.begins + self.lasts + self.after


class Town(NamedTuple):
    """Gateways of which each is asked `rate` times a second."""

    limit: Limit
    gateways: int
    rate: int
    delay: float = 0.001


class Played:
    """The whole of an outage, and when what was admitted meanwhile, in microseconds."""

    def __init__(self, town: Town, clock: Callable[[], float], kind: type[Server]) -> None:
        self.admitted: list[int] = []
        self._town = town
        self._policies = Policies({"default": town.limit})
        self._clock = clock
        self._server = kind(clock)
        self._gateways = [self._gateway(number) for number in range(town.gateways)]

    def _gateway(self, number: int) -> tuple[Fallback, Leases]:
        def now() -> int:
            return number * 10**9 + self._now()

        def live() -> int:
            return self._town.gateways

        remote, local = Remote(self._server, self._town.delay), MemoryPermits(now)
        leases = Leases(remote, live, local.learn, now)
        return Fallback(leases, remote, local, live), leases

    def _now(self) -> int:
        return int(self._clock() * MICROSECONDS)

    async def whole(self, outage: Outage) -> None:
        async with AsyncExitStack() as running, asyncio.TaskGroup() as tasks:
            for fallback, leases in self._gateways:
                await running.enter_async_context(beside(leases.sweeping()))
                await running.enter_async_context(beside(fallback.watching()))
                running.push_async_callback(fallback.close)
                tasks.create_task(self._clients(fallback, outage.whole))
            tasks.create_task(self._befall(outage))

    async def _clients(self, fallback: Fallback, over: float) -> None:
        """An open loop."""
        async with asyncio.TaskGroup() as tasks:
            for index in range(int(over * self._town.rate)):
                await asyncio.sleep(max(0.0, index / self._town.rate - self._clock()))
                tasks.create_task(self._request(fallback))

    async def _request(self, fallback: Fallback) -> None:
        if isinstance(await fallback.take(self._policies, (KEY,)), Admission):
            self.admitted.append(self._now())

    async def _befall(self, outage: Outage) -> None:
        await asyncio.sleep(outage.begins)
        if outage.kind == "restarted":
            self._server.restart()
            return
        self._server.up, self._server.hangs = outage.kind != "stopped", outage.kind == "hanging"
        await asyncio.sleep(outage.lasts)
        if outage.kind == "stopped":
            self._server.restart()
        self._server.up, self._server.hangs = True, False


def outlived(town: Town, outage: Outage, kind: type[Server] = Server) -> list[int]:
    """When requests were admitted."""

    async def play(clock: Callable[[], float]) -> list[int]:
        played = Played(town, clock, kind)
        await played.whole(outage)
        return played.admitted

    return virtual.played(play)
