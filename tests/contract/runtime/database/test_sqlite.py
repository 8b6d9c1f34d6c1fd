"""What only SQLite does: a file that processes share, on a disk that fills up."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from runtime.database import Database, DatabaseUnavailable

OPEN = """
import asyncio, sys
from runtime.database import Database

async def main():
    database = await Database.open(sys.argv[1])
    async with database.write() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS users (id BIGINT)")
        await connection.execute("INSERT INTO users (id) VALUES ($1)", 1)
    await database.close()

asyncio.run(main())
"""


@pytest.fixture
async def database(sqlite_database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_database_url)
    yield opened
    await opened.close()


async def setting(database: Database, name: str) -> object:
    async with database.write() as connection:
        row = await connection.fetch_one(f"PRAGMA {name}")
    return row and row[name]


async def test_a_commit_reaches_the_disk_before_it_is_acknowledged(database: Database) -> None:
    full = 2
    assert (await setting(database, "journal_mode"), await setting(database, "synchronous")) == ("wal", full)


async def test_processes_that_open_a_new_file_at_once_all_succeed(sqlite_database_url: str) -> None:
    command = (sys.executable, "-c", OPEN, sqlite_database_url)
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(6)]
    assert [await process.wait() for process in processes] == [0] * 6
    database = await Database.open(sqlite_database_url)
    async with database.read() as connection:
        assert len(await connection.fetch("SELECT id FROM users")) == 6
    await database.close()


async def test_a_new_file_that_another_is_writing_is_waited_for(sqlite_database_url: str) -> None:
    with closing(sqlite3.connect(sqlite_database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # SQLite refuses WAL at once then, and looks at no timeout
        opening = asyncio.ensure_future(Database.open(sqlite_database_url))
        assert await asyncio.wait([opening], timeout=0.1) == (set(), {opening})
        other.execute("COMMIT")
        await (await opening).close()


async def test_who_waits_for_another_process_to_write_keeps_nobody_from_reading(sqlite_database_url: str) -> None:
    database = await Database.open(sqlite_database_url, patience=60)
    async with database.write() as connection:
        await connection.execute("CREATE TABLE users (id BIGINT)")

    async def add(number: int) -> None:
        async with database.write() as connection:
            await connection.execute("INSERT INTO users (id) VALUES ($1)", number)

    with closing(sqlite3.connect(sqlite_database_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO users (id) VALUES (0)")
        adding = [asyncio.create_task(add(number)) for number in range(1, 4)]
        for _ in range(100):
            async with database.read() as connection:
                assert await connection.fetch("SELECT id FROM users") == []
        assert not any(task.done() for task in adding)
        other.execute("COMMIT")
    await asyncio.gather(*adding)
    async with database.read() as connection:
        assert [row["id"] for row in await connection.fetch("SELECT id FROM users ORDER BY id")] == [0, 1, 2, 3]
    await database.close()


async def test_a_full_disk_is_unavailable_and_the_file_serves_again_when_there_is_room(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("CREATE TABLE blobs (content TEXT)")
        await connection.fetch("PRAGMA max_page_count = 20")
    with pytest.raises(DatabaseUnavailable):
        async with database.write() as connection:
            await connection.execute("INSERT INTO blobs (content) VALUES ($1)", "x" * 1_000_000)
    async with database.write() as connection:
        assert await connection.execute("INSERT INTO blobs (content) VALUES ($1)", "x") == 1


async def test_a_relative_url_is_a_file_below_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = await Database.open("sqlite:///users.db")
    await database.close()
    assert (tmp_path / "users.db").exists()


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open(f"sqlite:///{tmp_path}/nowhere/users.db")


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "users.db").write_bytes(b"not a database, but longer than its header is" * 100)
    with pytest.raises(DatabaseUnavailable):
        await Database.open(f"sqlite:///{tmp_path}/users.db")
