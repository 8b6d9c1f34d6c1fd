"""What only PostgreSQL does: a server that goes away and comes back, side by side writers, plans that grow old."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from runtime.database import Database, DatabaseBusy, DatabaseUnavailable, StatementRefused, postgres
from tests.databases import PostgresServer


@pytest.fixture
async def database(postgres_database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(postgres_database_url)
    yield opened
    await opened.close()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that the test alone uses, and may stop."""
    own = PostgresServer()
    own.start()
    yield own
    own.remove()


async def test_a_restart_of_the_server_needs_none_of_ours(server: PostgresServer) -> None:
    database = await Database.open(server.url)
    await asyncio.gather(*(database.ping() for _ in range(8)))
    server.stop()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    server.start()
    await asyncio.gather(*(database.ping() for _ in range(8)))
    await database.close()


async def test_a_server_that_goes_away_inside_a_transaction_is_unavailable(server: PostgresServer) -> None:
    database = await Database.open(server.url)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")

    async def write() -> None:
        async with database.write() as connection:
            await connection.execute("INSERT INTO users (id) VALUES ($1)", 1)
            server.stop()
            await connection.execute("INSERT INTO users (id) VALUES ($1)", 2)

    with pytest.raises(DatabaseUnavailable):
        await write()
    server.start()
    async with database.read() as connection:
        assert await connection.fetch("SELECT id FROM users") == []
    await database.close()


async def test_one_connection_that_the_server_ends_costs_one_statement(database: Database) -> None:
    async def end_own_connection() -> None:
        async with database.write() as connection:
            await connection.fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailable):
        await end_own_connection()
    await database.ping()


async def test_a_connection_that_answers_no_more_is_given_up_and_replaced(server: PostgresServer) -> None:
    database = await Database.open(server.url, connections=1, patience=0.5)
    backends: list[int] = []

    async def freeze() -> None:
        async with database.write() as connection:
            row = await connection.fetch_one("SELECT pg_backend_pid() AS pid")
            assert row is not None
            backends.append(row["pid"])
            os.kill(row["pid"], signal.SIGSTOP)
            await connection.fetch("SELECT 1")

    with pytest.raises(DatabaseBusy):
        await freeze()
    async with database.read() as connection:
        row = await connection.fetch_one("SELECT pg_backend_pid() AS pid")
    assert row is not None
    assert row["pid"] not in backends
    os.kill(backends[0], signal.SIGCONT)
    await database.close()


async def test_a_connection_that_is_lost_in_the_middle_costs_who_had_it(postgres_database_url: str) -> None:
    database = await Database.open(postgres_database_url, connections=1)
    for kind in (database.single, database.read, database.write):
        with pytest.raises(DatabaseUnavailable):
            async with kind() as connection:
                await connection.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        async with kind() as connection:
            await connection.fetch("SELECT 1")
    assert database.load.open == 0
    await database.close()


async def test_a_connection_that_was_lost_while_nobody_had_it_is_noticed(postgres_database_url: str) -> None:
    database = await Database.open(postgres_database_url, connections=1)
    backend = "SELECT pg_backend_pid() AS pid"
    async with database.single() as connection:
        (before,) = await connection.fetch(backend)
    observer = await asyncpg.connect(postgres_database_url)
    await observer.execute("SELECT pg_terminate_backend($1, 60000)", before["pid"])
    with suppress(DatabaseUnavailable):  # its end may not have been read yet
        await database.ping()
    async with database.single() as connection:
        (after,) = await connection.fetch(backend)
    assert after["pid"] != before["pid"]
    await observer.close()
    await database.close()


async def test_what_nobody_needs_is_closed_in_time(postgres_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.open(postgres_database_url, connections=4)
    together = asyncio.Barrier(4)

    async def read() -> None:
        async with database.read():
            await together.wait()

    await asyncio.gather(*(read() for _ in range(4)))
    observer = await asyncpg.connect(postgres_database_url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert await observer.fetchval(others) == 4
    monkeypatch.setattr(postgres, "_IDLE", 0.0)
    while await observer.fetchval(others) > 1:
        await database.ping()
    await database.ping()
    await observer.close()
    await database.close()


async def test_no_server_is_unavailable(postgres_database_url: str) -> None:
    nowhere = urlsplit(postgres_database_url)._replace(netloc="127.0.0.1:1")
    with pytest.raises(DatabaseUnavailable):
        await Database.open(urlunsplit(nowhere))


async def test_a_database_that_is_not_there_is_unavailable(postgres_database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open(urlunsplit(urlsplit(postgres_database_url)._replace(path="/nowhere")))


async def test_of_two_writers_that_wait_for_each_other_one_is_busy(database: Database) -> None:
    both = asyncio.Barrier(2)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")
        await connection.execute("INSERT INTO users (id) VALUES (1), (2)")

    async def touch(*numbers: int) -> None:
        async with database.write() as connection:
            for number in numbers:
                await connection.execute("UPDATE users SET id = id WHERE id = $1", number)
                if number == numbers[0]:
                    await both.wait()

    outcomes = await asyncio.gather(touch(1, 2), touch(2, 1), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), DatabaseBusy}


async def test_a_refused_statement_that_is_passed_over_is_no_commit(database: Database) -> None:
    async def pass_over() -> None:
        async with database.write() as connection:
            await connection.execute("CREATE TABLE users (id BIGINT)")
            with suppress(StatementRefused):
                await connection.execute("SELEC 1")

    with pytest.raises(StatementRefused, match="is over"):
        await pass_over()


async def test_a_schema_that_changes_under_a_select_star_is_busy_once(database: Database) -> None:
    async def rows() -> int:
        async with database.read() as connection:
            return len(await connection.fetch("SELECT * FROM users WHERE id = $1", 1))

    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")
    assert await rows() == 0
    async with database.write() as connection:
        await connection.execute("ALTER TABLE users ADD COLUMN name TEXT")
    with pytest.raises(DatabaseBusy):
        await rows()
    assert await rows() == 0


async def test_a_schema_that_grows_under_named_columns_disturbs_nobody(database: Database) -> None:
    async def rows() -> int:
        async with database.read() as connection:
            return len(await connection.fetch("SELECT id FROM users WHERE id = $1", 1))

    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")
    assert await rows() == 0
    async with database.write() as connection:
        await connection.execute("ALTER TABLE users ADD COLUMN name TEXT")
    assert await rows() == 0


async def test_the_server_ends_what_this_process_cannot_end_any_more(postgres_database_url: str) -> None:
    database = await Database.open(postgres_database_url, patience=3)
    limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    async with database.read() as connection:
        rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", limits)
    assert {row["name"]: row["setting"] for row in rows} == dict(zip(limits, ("3000", "6000", "6000"), strict=True))
    await database.close()


async def test_a_transaction_that_idles_too_long_is_ended_by_the_server(postgres_database_url: str) -> None:
    database = await Database.open(postgres_database_url, patience=0.2)
    observer = await asyncpg.connect(postgres_database_url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def idle() -> None:
        async with database.write() as connection:
            while await observer.fetchval(others):
                pass
            await connection.fetch("SELECT 1")

    with pytest.raises((DatabaseBusy, DatabaseUnavailable)):
        await idle()
    await database.ping()
    await observer.close()
    await database.close()


@pytest.mark.parametrize("value", ["closed", 2**63])
async def test_a_value_that_does_not_fit_is_refused(database: Database, value: object) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")
    with pytest.raises(StatementRefused):
        async with database.write() as connection:
            await connection.execute("INSERT INTO users (id) VALUES ($1)", value)


async def test_what_a_constraint_refuses_does_not_show_the_row(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT CHECK (id < 5), name TEXT)")
    with pytest.raises(StatementRefused) as refused:
        async with database.write() as connection:
            await connection.execute("INSERT INTO users (id, name) VALUES ($1, $2)", 7, "Ada")
    assert "Ada" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_who_reads_does_not_wait_for_writers_that_wait_for_each_others_rows(postgres_database_url: str) -> None:
    database = await Database.open(postgres_database_url, connections=4)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE things (id BIGINT PRIMARY KEY, stock BIGINT)")
        await connection.execute("INSERT INTO things VALUES (1, 100)")

    async def sell() -> None:
        async with database.write() as connection:
            await connection.execute("UPDATE things SET stock = stock - 1 WHERE id = $1", 1)

    async with database.write() as first:
        await first.execute("UPDATE things SET stock = stock - 1 WHERE id = $1", 1)
        others = [asyncio.create_task(sell()) for _ in range(20)]
        while database.load.open < 3:  # noqa: ASYNC110  as many writers as there may be; nobody tells
            await asyncio.sleep(0.001)
        async with database.read() as connection:
            assert [row["stock"] for row in await connection.fetch("SELECT stock FROM things")] == [100]
    await asyncio.gather(*others)
    async with database.read() as connection:
        assert [row["stock"] for row in await connection.fetch("SELECT stock FROM things")] == [79]
    await database.close()
