"""What SQLite does on the event loop, and what becomes of it when it takes longer than the loop has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from threading import get_ident

import pytest

from runtime.database import Connection, Database, DatabaseBusy, StatementRefused
from runtime.database import pace as paces
from runtime.database.handle import Done, Handle
from runtime.database.sqlite import Sqlite, SqliteConnection
from runtime.serving.deadline import Deadline, current

COUNT = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) AS i FROM n
"""
FILL = """
INSERT INTO things (name)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT 'filled' FROM n
"""
ADD = "INSERT INTO things (name) VALUES ($1)"
RENAME = "UPDATE things SET name = name || $1 RETURNING name"
MANY, ENDLESS = 20_000, 10**12


@pytest.fixture
async def database(sqlite_database_url: str) -> AsyncIterator[Sqlite]:
    opened = await Database.open(sqlite_database_url)
    assert isinstance(opened, Sqlite)
    async with opened.write() as connection:
        await connection.execute("CREATE TABLE things (name TEXT)")
    for handle in [*opened.readers.free, *opened.writers.free]:
        handle.raw.create_function("here", 0, get_ident)
    async with opened.write() as connection:  # each of them proves that it is short
        for sql, value in ((FILL, 1), (ADD, "x"), (RENAME, "y"), ("DELETE FROM things WHERE name <> $1", "")):
            await connection.fetch(sql, value)
        for sql in ("SAVEPOINT part", "ROLLBACK TO SAVEPOINT part"):
            await connection.execute(sql)
    async with opened.read() as connection:
        await connection.fetch(COUNT, 1)
    yield opened
    await opened.close()


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row["name"] for row in await connection.fetch("SELECT name FROM things")]


def in_thread(connection: Connection) -> bool:
    """Whether its block has left the loop."""
    assert isinstance(connection, SqliteConnection)
    return connection._in_thread


async def where(database: Sqlite, *, writes: bool = False) -> bool:
    """Whether a statement that is asked for again and again runs on the loop."""
    async with database.write() if writes else database.read() as connection:
        (row,) = await connection.fetch("SELECT here() AS here")
    return bool(row["here"] == get_ident())


@pytest.mark.parametrize("writes", [False, True])
async def test_a_statement_proves_in_the_thread_that_it_is_short_and_has_the_loop_then(
    database: Sqlite, *, writes: bool
) -> None:
    assert [await where(database, writes=writes) for _ in range(3)] == [False, True, True]


async def test_a_statement_that_was_slow_by_the_disk_moves_to_the_thread(
    database: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [await where(database) for _ in range(2)] == [False, True]
    with monkeypatch.context() as slow:
        slow.setattr(paces, "LONG", 0.0)  # as if all that takes any time had waited for a disk
        assert await where(database)
    assert [await where(database) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("sql", "divisible"),
    [
        ("SELECT count(*) AS n FROM things", False),
        ("SELECT count(*) AS n FROM things WHERE name > 'a'", True),
        ("DELETE FROM things", False),
        ("DELETE FROM things WHERE name > 'a'", True),
        ("CREATE TABLE IF NOT EXISTS others (id INT)", False),
        ("SAVEPOINT part", True),
    ],
)
async def test_what_may_take_long_in_one_step_stays_in_the_thread(
    database: Sqlite, sql: str, *, divisible: bool
) -> None:
    for _ in range(3):
        async with database.write() as connection:
            await connection.execute(sql)
            assert in_thread(connection) or divisible
    assert database.pace.short(sql) is divisible


async def test_a_runaway_leaves_the_loop_and_ends_with_its_deadline_while_others_are_served(database: Sqlite) -> None:
    seen: list[int] = []
    real = Handle.at_once

    def noting(self: Handle, sql: str, values: tuple[object, ...] = ()) -> Done | None:
        done = real(self, sql, values)
        seen.append(self.looks)
        return done

    async def run_away() -> None:
        token = current.set(Deadline.after(0.3))
        async with database.read() as connection:
            current_task.set()
            await connection.fetch(COUNT, ENDLESS)
        current.reset(token)

    current_task = asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handle, "at_once", noting)
        runaway = asyncio.create_task(run_away())
        await current_task.wait()
        served = 0
        while not runaway.done():
            assert await names(database) == []
            await asyncio.sleep(0)
            served += 1
    with pytest.raises(DatabaseBusy):
        await runaway
    assert max(seen) == 2  # in steps, not in seconds: it had the loop for two looks at most
    assert served > 1
    assert await names(database) == []


async def test_a_snapshot_outlives_a_read_that_left_the_loop(database: Sqlite) -> None:
    async with database.read() as reader:
        assert await reader.fetch("SELECT name FROM things") == []
        async with database.write() as writer:
            await writer.execute(ADD, "new")
        (row,) = await reader.fetch(COUNT, MANY)
        assert row["i"] == MANY
        assert await reader.fetch("SELECT name FROM things") == []
    assert await names(database) == ["new"]


async def test_a_write_that_outgrows_the_loop_is_done_whole(database: Sqlite) -> None:
    async with database.write() as connection:
        await connection.execute(ADD, "a")
        await connection.execute("SAVEPOINT part")
        await connection.execute(ADD, "b")
        await connection.execute("ROLLBACK TO SAVEPOINT part")
        assert [row["name"] for row in await connection.fetch(RENAME, "!")] == ["a!"]
        assert not in_thread(connection)
        assert await connection.execute(FILL, MANY) == MANY
        assert in_thread(connection)
        assert await connection.execute(RENAME, "?") >= 0
    found = await names(database)
    assert (found[0], len(found)) == ("a!?", MANY + 1)


async def beside(database: Sqlite, path: Path, wrote: Callable[[Connection], object]) -> list[str]:
    """What a write that outgrows the loop leaves, when another process writes at the moment when it starts again."""
    other = await Database.open(f"sqlite:///{path}")
    real = Handle.patiently

    async def write() -> None:
        async with other.write() as connection:
            await wrote(connection)  # type: ignore[misc]

    def cut_in(self: Handle, last: float, sql: str, values: tuple[object, ...] = ()) -> Done:
        if sql == "BEGIN IMMEDIATE" and not cut:
            cut.append(sql)
            asyncio.run_coroutine_threadsafe(write(), loop).result(60)
        return real(self, last, sql, values)

    cut: list[str] = []
    loop = asyncio.get_running_loop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handle, "patiently", cut_in)
        with suppress(DatabaseBusy):
            async with database.write() as connection:
                await connection.fetch(RENAME, "!")
                await connection.execute(ADD, "a")
                await connection.execute(FILL, MANY)
    assert cut
    await other.close()
    return await names(database)


async def test_a_write_that_starts_again_has_done_nothing_if_another_changed_what_it_saw(
    database: Sqlite, tmp_path: Path
) -> None:
    found = await beside(database, tmp_path / "portico.db", lambda other: other.execute(ADD, "theirs"))
    assert found == ["theirs"]


async def test_a_write_that_starts_again_goes_on_if_another_changed_nothing_that_it_saw(
    database: Sqlite, tmp_path: Path
) -> None:
    found = await beside(database, tmp_path / "portico.db", lambda other: other.execute("CREATE TABLE others (id INT)"))
    assert (found[0], len(found)) == ("a", MANY + 1)


async def test_a_write_that_could_not_start_again_cannot_go_on(database: Sqlite, tmp_path: Path) -> None:
    """Whatever of it was repeated would be committed by itself."""
    other = await Database.open(f"sqlite:///{tmp_path / 'portico.db'}")
    real = Handle.patiently

    def fails(self: Handle, last: float, sql: str, values: tuple[object, ...] = ()) -> Done:
        if sql == RENAME:
            raise StatementRefused("as if somebody had changed the table")
        return real(self, last, sql, values)

    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(ADD, "a")
            await connection.fetch(RENAME, "!")
            with pytest.MonkeyPatch.context() as patch, suppress(StatementRefused):
                patch.setattr(Handle, "patiently", fails)
                await connection.execute(FILL, MANY)

    with pytest.raises(StatementRefused, match="is over"):
        await write()
    assert await names(database) == []
    await other.close()


async def test_a_block_of_many_statements_gives_others_their_turns(database: Sqlite) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with database.read() as connection:
        counting = asyncio.create_task(count())
        for _ in range(640):
            await connection.fetch(COUNT, 1)
    counting.cancel()
    assert turns >= 15


async def test_a_write_of_very_many_statements_keeps_few_of_them(database: Sqlite) -> None:
    async with database.write() as connection:
        for number in range(1000):
            await connection.execute(ADD, f"{number}")
        assert len(connection._kept) < 256  # type: ignore[attr-defined]
    assert len(await names(database)) == 1000


async def test_a_log_that_grows_while_somebody_reads_is_read_as_it_was_and_starts_anew_afterwards(
    database: Sqlite, tmp_path: Path
) -> None:
    log = tmp_path / "portico.db-wal"

    async def write(times: int) -> int:
        for number in range(times):
            async with database.write() as connection:
                await connection.execute(ADD, f"{number}" * 500)
        return log.stat().st_size

    async with database.read() as reader:
        assert await reader.fetch("SELECT name FROM things") == []
        grown = await write(1200)
        assert grown > 6_000_000  # beyond what it is emptied at when nobody needs it
        assert await reader.fetch("SELECT name FROM things") == []
        assert len(await names(database)) == 1200
    await write(1200)
    assert await write(600) <= grown * 2
    assert len(await names(database)) == 3000
