"""A function's PostgreSQL on a machine that dies: who asks is told in time, and all is well when it is back."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from runtime import silence
from runtime.database import Database, DatabaseBusy, DatabaseUnavailable
from tests.far import Far, over_there

AWAY = (DatabaseBusy, DatabaseUnavailable)
AT_ONCE = 8  # all of a pool


@pytest.fixture
async def database(far: Far, postgres_database_url: str) -> AsyncIterator[Database]:
    parts = urlsplit(postgres_database_url)
    assert parts.port
    with over_there(far, parts.port) as place:
        user = parts.netloc.rpartition("@")[0]
        opened = await Database.open(urlunsplit(parts._replace(netloc=f"{user}@{place}")))
        yield opened
        far.plug()
        await opened.close()


async def ping(database: Database) -> None:
    async with database.read() as connection:
        await connection.fetch("SELECT 1")


async def test_who_asks_a_database_that_is_gone_is_told_and_the_pool_is_whole_when_it_is_back(
    database: Database, far: Far
) -> None:
    await asyncio.gather(*(ping(database) for _ in range(AT_ONCE)))
    far.pull()
    told = await asyncio.gather(*(ping(database) for _ in range(2 * AT_ONCE)), return_exceptions=True)
    assert [error for error in told if not isinstance(error, AWAY)] == []
    far.plug()
    await asyncio.gather(*(ping(database) for _ in range(2 * AT_ONCE)))


async def test_a_statement_that_runs_when_it_goes_ends(database: Database, far: Far) -> None:
    running = asyncio.Event()

    async def wait() -> None:
        async with database.write() as connection:
            await connection.fetch("SELECT 1")
            running.set()
            await connection.fetch("SELECT pg_sleep(600)")

    waiting = asyncio.create_task(wait())
    await running.wait()
    far.pull()
    with pytest.raises(AWAY):
        await waiting
    far.plug()
    await ping(database)


async def test_the_server_is_told_to_ask_as_well(database: Database) -> None:
    async with database.read() as connection:
        [row] = await connection.fetch("SELECT current_setting('tcp_keepalives_idle') AS idle")
    assert row["idle"] == f"{silence.QUIET}"
