"""A database goes forward, file by file, each one wholly or not at all; on both databases."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from runtime.database import Database, DatabaseUnavailable
from runtime.database.migrate import MigrationError, Unmigrated, migrate, opened

USERS = "CREATE TABLE users (id BIGINT PRIMARY KEY);\nCREATE INDEX users_id ON users (id);\n"
NAMES = "-- expand; contract later\nALTER TABLE users ADD COLUMN name TEXT;\nINSERT INTO users (id) VALUES (1);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schema").mkdir()
    write(tmp_path, "0001_users.sql", USERS)
    write(tmp_path, "0002_names.sql", NAMES)
    return tmp_path


def write(folder: Path, name: str, sql: str) -> None:
    (folder / "schema" / name).write_text(sql)


async def rows(url: str, sql: str) -> list[dict[str, object]]:
    database = await Database.open(url)
    async with database.read() as connection:
        found = [dict(row) for row in await connection.fetch(sql)]
    await database.close()
    return found


async def command(url: str, *arguments: str) -> tuple[int | None, str, str]:
    environment = {**os.environ, "DATABASE_URL": url}
    program = (sys.executable, "-m", "runtime.database.migrate", *arguments)
    process = await asyncio.create_subprocess_exec(*program, env=environment, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_files_are_applied_in_order_and_written_down(database_url: str, folder: Path) -> None:
    assert await migrate(database_url, folder) == ["0001_users.sql", "0002_names.sql"]
    assert await rows(database_url, "SELECT id, name FROM users") == [{"id": 1, "name": None}]
    written = await rows(
        database_url, "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version"
    )
    assert [(row["version"], row["name"]) for row in written] == [(1, "0001_users.sql"), (2, "0002_names.sql")]


async def test_a_second_run_changes_nothing(database_url: str, folder: Path) -> None:
    await migrate(database_url, folder)
    before = await rows(database_url, "SELECT version, checksum, applied_at FROM schema_migrations")
    assert await migrate(database_url, folder) == []
    assert await rows(database_url, "SELECT version, checksum, applied_at FROM schema_migrations") == before


async def test_a_new_file_is_applied_alone(database_url: str, folder: Path) -> None:
    await migrate(database_url, folder)
    write(folder, "0003_more.sql", "INSERT INTO users (id) VALUES (2)")
    assert await migrate(database_url, folder) == ["0003_more.sql"]


async def test_several_at_once_apply_each_file_once(database_url: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(database_url, folder) for _ in range(5)))
    assert sorted(name for names in applied for name in names) == ["0001_users.sql", "0002_names.sql"]
    assert await rows(database_url, "SELECT id FROM users") == [{"id": 1}]


async def test_a_bad_file_leaves_nothing_and_keeps_what_came_before(database_url: str, folder: Path) -> None:
    write(
        folder, "0002_names.sql", "CREATE TABLE half (id BIGINT); INSERT INTO users (id) VALUES (1); SELECT nonsense;"
    )
    with pytest.raises(MigrationError, match=r"0002_names\.sql: .*nonsense"):
        await migrate(database_url, folder)
    assert await rows(database_url, "SELECT version FROM schema_migrations") == [{"version": 1}]
    assert await rows(database_url, "SELECT id FROM users") == []
    write(folder, "0002_names.sql", "CREATE TABLE half (id BIGINT);")
    assert await migrate(database_url, folder) == ["0002_names.sql"]


async def test_rows_that_break_a_new_unique_index_name_the_file(database_url: str, folder: Path) -> None:
    twice = "INSERT INTO users (id, name) VALUES (2, 'x'), (3, 'x'); CREATE UNIQUE INDEX users_name ON users (name);"
    write(folder, "0003_unique.sql", twice)
    with pytest.raises(MigrationError, match=r"0003_unique\.sql: name"):
        await migrate(database_url, folder)


async def test_a_file_that_changed_after_it_was_applied_is_an_error_before_anything_is_applied(
    database_url: str, folder: Path
) -> None:
    await migrate(database_url, folder)
    write(folder, "0001_users.sql", USERS + "-- a word more")
    write(folder, "0003_more.sql", "INSERT INTO users (id) VALUES (2)")
    with pytest.raises(MigrationError, match=r"0001_users\.sql has changed"):
        await migrate(database_url, folder)
    assert await rows(database_url, "SELECT id FROM users") == [{"id": 1}]


async def test_old_code_accepts_a_database_that_is_newer(database_url: str, folder: Path) -> None:
    await migrate(database_url, folder)
    (folder / "schema" / "0002_names.sql").unlink()
    assert await migrate(database_url, folder) == []


async def test_a_file_that_comes_before_what_is_applied_is_an_error(database_url: str, folder: Path) -> None:
    write(folder, "0005_late.sql", "INSERT INTO users (id) VALUES (5)")
    await migrate(database_url, folder)
    write(folder, "0003_forgotten.sql", "INSERT INTO users (id) VALUES (3)")
    with pytest.raises(MigrationError, match=r"0003_forgotten\.sql comes before"):
        await migrate(database_url, folder)


async def test_a_function_opens_what_is_up_to_date_and_what_is_newer(database_url: str, folder: Path) -> None:
    await migrate(database_url, folder)
    await (await opened(database_url, folder)).close()
    (folder / "schema" / "0002_names.sql").unlink()
    await (await opened(database_url, folder)).close()


async def test_a_function_does_not_open_what_lacks_a_migration(database_url: str, folder: Path) -> None:
    todo = f"bring it up to date with `runtime.database.migrate functions/{folder.name}`."
    with pytest.raises(Unmigrated) as empty:
        await opened(database_url, folder)
    assert str(empty.value).startswith("The schema of the database lacks 0001_users.sql and 1 more (")
    assert "schema_migrations" in str(empty.value)
    await migrate(database_url, folder)
    write(folder, "0003_more.sql", "INSERT INTO users (id) VALUES (2)")
    with pytest.raises(Unmigrated) as behind:
        await opened(database_url, folder)
    assert str(behind.value) == f"The schema of the database lacks 0003_more.sql: {todo}"
    await migrate(database_url, folder)
    await (await opened(database_url, folder)).close()


async def test_the_developers_loop_is_told_and_goes_on(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPING", "1")
    with capture_logs() as told:
        await (await opened(database_url, folder)).close()
    assert [line["event"] for line in told] == ["the schema is behind"]


async def test_no_database_is_unavailable(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await migrate(f"sqlite:///{tmp_path}/nowhere/users.db", folder)


async def test_the_command_says_a_line_for_each_file_it_applied(database_url: str, folder: Path) -> None:
    assert await command(database_url, str(folder)) == (0, "0001_users.sql\n0002_names.sql\n", "")
    assert await command(database_url, str(folder)) == (0, "", "")


async def test_the_command_takes_its_url_from_a_file(sqlite_database_url: str, folder: Path) -> None:
    (folder / "url").write_text(sqlite_database_url + "\n")
    environment = {**os.environ, "DATABASE_URL_FILE": str(folder / "url")}
    environment.pop("DATABASE_URL", None)
    program = (sys.executable, "-m", "runtime.database.migrate", str(folder))
    process = await asyncio.create_subprocess_exec(*program, env=environment)
    assert await process.wait() == 0
    assert await rows(sqlite_database_url, "SELECT id FROM users") == [{"id": 1}]


async def test_the_command_fails_with_a_sentence_not_with_a_traceback(sqlite_database_url: str, folder: Path) -> None:
    write(folder, "0003_bad.sql", "SELECT nonsense")
    for url, arguments, sentence in [
        (sqlite_database_url, (str(folder),), "0003_bad.sql: no such column: nonsense\n"),
        (f"sqlite:///{folder}/nowhere/x.db", (str(folder),), "cannot be reached. unable to open database file\n"),
        ("mysql://", (str(folder),), "not with mysql://\n"),
        (sqlite_database_url, (), "FUNCTION_FOLDER\n"),
    ]:
        status, out, err = await command(url, *arguments)
        assert (status, err.count("\n")) == (1, 1)
        assert err.endswith(sentence)
        assert "Traceback" not in out + err
