"""deploy/backup/postgres.py: what only PostgreSQL has."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.backup.postgres import Postgres, reason
from deploy.engine import Refusal


async def run(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_no_password_is_an_argument_of_a_program(postgres_database_url: str, tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\nexec "$@"\n')
    spy.chmod(0o755)
    await asyncio.to_thread(Postgres(postgres_database_url, [str(spy)]).save, tmp_path / "saved")
    said = (tmp_path / "arguments").read_text()
    assert said.startswith("pg_dump ")
    assert str(urlsplit(postgres_database_url).password) not in said


async def test_what_the_schema_grants_on_new_tables_holds_for_what_is_loaded(
    postgres_database_url: str, tmp_path: Path
) -> None:
    store = Postgres(postgres_database_url)
    await run(postgres_database_url, "CREATE TABLE things (id BIGINT)")
    await asyncio.to_thread(store.save, tmp_path / "saved")
    await run(postgres_database_url, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor")
    await asyncio.to_thread(store.load, tmp_path / "saved")
    assert await run(postgres_database_url, "SELECT has_table_privilege('pg_monitor', 'things', 'SELECT')")


def test_a_server_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"pg_dump failed \(.*refused"):
        Postgres("postgresql://nobody@127.0.0.1:1/nothing").save(tmp_path / "saved")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"NOTICE: a table\npsql:<stdin>:3: ERROR:  no\nLINE 1: it\n", "psql:<stdin>:3: ERROR:  no"),
        (b"something\nelse\n", "else"),
        (b"", "it did not say why"),
    ],
)
def test_the_reason_is_what_the_program_called_an_error(said: bytes, told: str) -> None:
    assert reason("psql", said) == f"psql failed ({told}): correct that and try again."
