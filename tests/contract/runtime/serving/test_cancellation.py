"""runtime/serving/cancellation.py under the real server and a real database: nothing goes on for nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.contract.runtime.instance import Instance, function, served

FUNCTION = """
import os
from contextlib import asynccontextmanager

from litestar import Request, get, post

from runtime.http.api import api
from runtime.serving.application import application as outermost
from runtime.database import Database
from runtime.database.load_metrics import watch
from runtime.serving.health import Health
from runtime.telemetry.metrics import Metrics

ENDLESS = {
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS i FROM n",
    "postgresql": "SELECT pg_sleep(3600)",
}

@get("/endless")
async def endless() -> None:
    await hang()

@post("/endless")
async def read_and_hang(request: Request) -> None:
    await request.body()
    await hang()

async def hang() -> None:
    async with held[0].write() as connection:
        await connection.execute("INSERT INTO notes (note) VALUES ('never seen')")
        await connection.fetch(ENDLESS[os.environ["DATABASE_URL"].partition(":")[0]])

@post("/notes")
async def note() -> int:
    async with held[0].write() as connection:
        await connection.execute("INSERT INTO notes (note) VALUES ('seen')")
        return len(await connection.fetch("SELECT note FROM notes"))

@asynccontextmanager
async def lifespan(app):
    database = await Database.open(os.environ["DATABASE_URL"], connections=1, patience=600)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE notes (note TEXT)")
    held.append(database)
    watch(database, metrics)
    yield
    await database.close()

held = []
metrics = Metrics()
application = outermost(api([endless, read_and_hang, note], lifespan=lifespan, failures={}), Health(), metrics)
"""


@pytest.fixture
async def instance(database_url: str, tmp_path: Path) -> AsyncIterator[Instance]:
    """A function with one connection to its database, and a patience that no test waits for."""
    with served(function(tmp_path, FUNCTION), DATABASE_URL=database_url) as running:
        await asyncio.to_thread(running.says, "ready")
        yield running


@pytest.fixture
async def client(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{instance.address}", timeout=60) as made:
        yield made


class Seen:
    """What can be seen of an instance and its database from outside."""

    def __init__(self, instance: Instance, client: httpx.AsyncClient, database_url: str) -> None:
        self.instance = instance
        self.client = client
        self._url = database_url

    async def working(self) -> bool:
        """Whether the endless statement runs; of SQLite it is seen that a transaction is open."""
        if self._url.startswith("sqlite"):
            return b"portico_database_transactions_open 1\n" in (await self.client.get("/metrics")).content
        observer = await asyncpg.connect(self._url)
        try:
            sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(3600)'"
            return bool(await observer.fetchval(sql))
        finally:
            await observer.close()

    async def idle(self) -> bool:
        in_flight: int = (await self.client.get("/health")).json()["in_flight"]
        return in_flight == 0

    async def nothing_is_left(self, *, notes: int) -> None:
        """The statement is gone, what it was part of was not written, and the one connection serves the next note."""
        await until(self.idle)
        assert not await self.working()
        assert (await self.client.post("/notes")).json() == notes


@pytest.fixture
def seen(instance: Instance, client: httpx.AsyncClient, database_url: str) -> Seen:
    return Seen(instance, client, database_url)


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await so():  # noqa: ASYNC110  what is waited for happens in other processes
            await asyncio.sleep(0.01)


GET = b"GET /endless HTTP/1.1\r\nhost: a\r\nx-deadline-ms: 3600000\r\n\r\n"
POST = b"POST /endless HTTP/1.1\r\nhost: a\r\nx-deadline-ms: 3600000\r\ncontent-length: 3\r\n\r\nabc"


async def test_a_caller_who_goes_takes_the_statement_along(seen: Seen) -> None:
    for number, request in enumerate((GET, POST), 1):
        _, writer = await asyncio.open_connection("127.0.0.1", seen.instance.port)
        writer.write(request)
        await until(seen.working)
        writer.transport.abort()
        await seen.nothing_is_left(notes=number)
    told = (await seen.client.get("/metrics")).text
    for method in ("GET", "POST"):
        assert f'requests_total{{route="{method} /endless",status="499"}} 1\n' in told


# The statement is ended a moment before the deadline, so that there is time to say why. Where rolling back takes
# longer, as on a busy machine, the deadline ends all of it. Both are told so, and neither leaves anything.
LATE = {(503, "/problems/dependency-unavailable"), (504, "/problems/deadline-exceeded")}


async def test_a_deadline_that_passes_takes_the_statement_along(seen: Seen) -> None:
    answer = await seen.client.get("/endless", headers={"x-deadline-ms": "1000"})
    assert (answer.status_code, answer.json()["type"]) in LATE
    await seen.nothing_is_left(notes=1)
    answer = await seen.client.post("/notes", headers={"x-deadline-ms": "3"})
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/deadline-exceeded")
    await seen.nothing_is_left(notes=2)
