"""Four gateways and a Redis, as processes: what they admit together, under load, whatever befalls the Redis.

The clients have no token: one that a limit admits is told so (401), and no function's troubles on a busy machine, which
are another matter, get in between.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.chaos.wire import Request, Wire
from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.conftest import a_name
from tests.contract.functions.gateway.stages.limit.faults import FAULTS, Link, Redises
from tests.contract.functions.gateway.town import Town, until

LIMIT, ON_LEASE = 800, 40  # of GET /echo/hot, in an hour
CLIENTS = 8  # of each gateway, one request after the other
ADMITTED, REFUSED = 401, 429

addresses = (f"192.0.2.{number}" for number in count(1))  # each test's clients are behind one of their own


class Crowd:
    """Clients behind one address, of all gateways of a town; `statuses` counts what they are told."""

    def __init__(self, town: Town, path: str) -> None:
        self.statuses: Counter[int] = Counter()
        self._began = time.monotonic()
        self._request = Request("GET", path, {"X-Forwarded-For": next(addresses)})
        self._wires = [Wire(gateway.url) for gateway in town.gateways]
        self._metrics = Request("GET", "/metrics", {})

    @property
    def admitted(self) -> int:
        return self.statuses[ADMITTED]

    @property
    def refilled(self) -> float:
        """Permits that have come back since the crowd has."""
        return self.lasted * LIMIT / 3600

    @property
    def lasted(self) -> float:
        """Seconds since it came."""
        return time.monotonic() - self._began

    async def at_once(self, each: int) -> None:
        """So many requests to each gateway, all at the same time."""
        await asyncio.gather(*(self._ask(wire) for _ in range(each) for wire in self._wires))

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """A few clients of each gateway ask again and again for the length of the block."""
        over = asyncio.Event()

        async def client(wire: Wire) -> None:
            while not over.is_set():
                await self._ask(wire)

        async with asyncio.TaskGroup() as tasks:
            for wire in self._wires * CLIENTS:
                tasks.create_task(client(wire))
            yield
            over.set()

    async def until_more(self, requests: int) -> None:
        """Returns when so many more have been answered."""
        enough = self.statuses.total() + requests

        async def answered() -> bool:
            return self.statuses.total() >= enough

        await until(answered)

    async def until_shared(self, *, so: bool = True) -> None:
        """Returns when every gateway asks Redis (again); or, not `so`, none does."""

        async def all_say() -> bool:
            return [int(each) for each in await self._said("portico_gateway_limit_local")] == [not so] * 4

        await until(all_say)

    async def until_known(self) -> None:
        """Returns when it has been quiet for so long that every gateway has learned what the others admitted."""

        async def quiet() -> bool:
            return not any(await self._said("portico_gateway_limit_active_keys"))

        await until(quiet)

    async def decided_alone(self) -> float:
        """Checks that gateways have decided by themselves, as Redis did not answer in time."""
        return sum(await self._said('portico_gateway_limit_decisions_total{store="local"'))

    def leave(self) -> None:
        for wire in self._wires:
            wire.close()

    async def _said(self, metric: str) -> list[float]:
        """What each gateway says of one metric, its labels summed up."""
        pages = [(await wire.send(self._metrics)).body.decode().splitlines() for wire in self._wires]
        return [sum(float(line.rpartition(" ")[2]) for line in page if line.startswith(metric)) for page in pages]

    async def _ask(self, wire: Wire) -> None:
        self.statuses[(await wire.send(self._request)).status] += 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    yield made
    made.kill()


@pytest.fixture
async def redises(server: RedisServer, tmp_path: Path) -> AsyncIterator[Redises]:
    async with Link(server.port) as link:
        yield Redises(server, link, tmp_path)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    made = Town(folder, server.url, name=a_name(), instances=0, gateways=4, TRUSTED_PROXIES="127.0.0.0/8")
    yield made
    made.end()


async def evaluations(server: RedisServer) -> int:
    """How often Redis was asked for permits, as it counted."""
    async with Redis.from_url(server.url) as operator:
        return int((await operator.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"])


async def undisturbed(town: Town, path: str, come: Callable[[Crowd], Awaitable[None]]) -> Crowd:
    """A crowd for whom Redis always answered in time: on a machine that is too busy for that, another one is sent."""
    while True:
        crowd = Crowd(town, path)
        before = await crowd.decided_alone()
        await come(crowd)
        after = await crowd.decided_alone()
        crowd.leave()
        if before == after:
            return crowd


async def test_two_thousand_at_once_get_what_one_bucket_holds(town: Town) -> None:
    crowd = await undisturbed(town, "/echo/hot", lambda crowd: crowd.at_once(500))
    assert crowd.statuses.keys() == {ADMITTED, REFUSED}
    assert LIMIT - ON_LEASE <= crowd.admitted <= LIMIT + 1 + crowd.refilled


async def test_a_hot_key_costs_redis_one_call_for_twenty_admitted_and_more(town: Town, server: RedisServer) -> None:
    before = 0

    async def come(crowd: Crowd) -> None:
        nonlocal before
        before = await evaluations(server)
        async with crowd.coming():
            await crowd.until_more(3000)

    crowd = await undisturbed(town, "/echo/busy", come)
    assert crowd.statuses.keys() == {ADMITTED}
    calls = await evaluations(server) - before
    assert calls <= 0.05 * crowd.admitted + 4 * 4 * crowd.lasted  # leases are renewed also where a key is hardly hot


@pytest.mark.parametrize("fault", ["stopped", "hanging", "full", "restarted empty"])
async def test_whatever_befalls_redis_under_load_nothing_fails_and_at_most_a_tenth_more_is_admitted(
    town: Town, redises: Redises, fault: str
) -> None:
    befall, mend = FAULTS[fault]
    crowd = await undisturbed(town, "/echo/hot", lambda crowd: crowd.at_once(LIMIT // 16))
    await crowd.until_known()
    async with crowd.coming():
        await befall(redises)
        if mend is not Redises.nothing:
            await crowd.until_shared(so=False)
        await crowd.until_more(LIMIT)
        await mend(redises)
        await crowd.until_shared()
        await crowd.until_more(LIMIT)
    crowd.leave()
    assert crowd.statuses.keys() == {ADMITTED, REFUSED}
    assert crowd.admitted <= 1.1 * LIMIT + crowd.refilled
    after = await undisturbed(town, "/echo/hot", lambda crowd: crowd.at_once(300))
    assert LIMIT - ON_LEASE <= after.admitted <= LIMIT + 1 + after.refilled
