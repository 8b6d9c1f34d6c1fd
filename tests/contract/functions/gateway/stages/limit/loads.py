"""Gateways under more load than a limit allows: open loops, that ask whatever becomes of it, and closed ones, that ask
again once they are answered. Round trips take time, and sweeps are made as they are.

`saturated` holds what games hold, and tells how much of what was allowed was admitted.
"""

from typing import NamedTuple

from functions.gateway.stages.limit.leases import SWEEP, Leases
from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from tests.contract.functions.gateway.stages.limit.games import Game, Lending, Told, World

_TICKS = 600
_SLOWEST = 100_000  # microseconds between two ticks, at most: gateways sweep more often than a lease ends


class Load(NamedTuple):
    """What comes."""

    clients: int = 0  # of each gateway, each of which asks again at the tick after its answer; none: an open loop
    times: int = 2  # what an open loop asks for, in times of what refills
    ticks: int = 1  # that each part of a round trip takes


class Saturated:
    """One bucket of `world.a`, and everybody wants it."""

    def __init__(self, store: Lending, world: World, load: Load, kind: type[Leases] = Leases) -> None:
        self.game = Game(store, world, kind)
        self._store = store
        self._gateways = world.gateways
        self._load = load
        self._pace, self._burst = interval(world.a), world.a.burst
        self._tick = max(100, min(self._pace // 3, _SLOWEST))
        self._idle = [load.clients] * world.gateways
        self._due = 0.0

    async def run(self) -> float:
        """What was admitted, in parts of what was allowed."""
        began, swept = self._store.now, self._store.now
        for index in range(self._burst):  # an empty bucket to begin with
            self.game.request(index % self._gateways, 0)
        for tick in range(_TICKS):
            self._come()
            await self._move(tick)
            if self._store.now - swept >= SWEEP * MICROSECONDS:
                swept = self._store.now
                for gateway in self.game.gateways:
                    gateway.sweep()
            self._store.now += self._tick
        (windows, _) = self.game.windows.values()
        await self.game.end()
        return windows.admitted / (self._burst + (self._store.now - began) / self._pace)

    def _come(self) -> None:
        if self._load.clients:
            idle, self._idle = self._idle, [0] * self._gateways
            for who, clients in enumerate(idle):
                for _ in range(clients):
                    self.game.request(who, 0, self._again(who))
            return
        self._due += self._load.times * self._tick / self._pace
        while self._due >= 1:
            self._due -= 1
            self.game.request(self.game.told.total() % self._gateways, 0)

    def _again(self, who: int) -> Told:
        def told(_admitted: bool) -> None:  # noqa: FBT001  games.Told
            self._idle[who] += 1

        return told

    async def _move(self, tick: int) -> None:
        """One after the other what waits leaves, is decided, and is answered; gateways are not in step."""
        for who in range(self._gateways):
            await self.game.heard()
            match (tick // self._load.ticks + who) % 3:
                case 0:
                    self.game.ways[who].leave()
                case 1:
                    await self.game.decide(who)
                case _:
                    await self.game.arrive(who)
        await self.game.heard()
