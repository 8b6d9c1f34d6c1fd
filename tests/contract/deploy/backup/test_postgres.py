"""deploy/backup/postgres.py: what only PostgreSQL has."""

import asyncio
import gzip
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.backup.postgres import Postgres, in_order, reason
from deploy.engine import Refusal
from runtime.database.migrate import migrate
from tests.contract.deploy.backup.kept import MIGRATIONS


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
    assert said.startswith("psql ")
    assert str(urlsplit(postgres_database_url).password) not in said


async def test_what_the_schema_grants_on_new_tables_holds_for_what_is_loaded(
    postgres_database_url: str, tmp_path: Path
) -> None:
    store = Postgres(postgres_database_url)
    await migrate(postgres_database_url, Path("functions/orders"))
    await asyncio.to_thread(store.save, tmp_path / "saved")
    await run(postgres_database_url, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor")
    await asyncio.to_thread(store.load, tmp_path / "saved", MIGRATIONS)
    assert await run(postgres_database_url, "SELECT has_table_privilege('pg_monitor', 'products', 'SELECT')")


def test_a_server_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"psql failed \(.*refused"):
        Postgres("postgresql://nobody@127.0.0.1:1/nothing").save(tmp_path / "saved")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"NOTICE: a table\npsql:<stdin>:3: ERROR:  no\nLINE 1: it\n", "psql:<stdin>:3: ERROR:  no"),
        (b"something\nelse\n", "else"),
        (b"", "it did not say why"),
        (b"ERROR: \x1b]0;mine\x07\xff", "ERROR: \\x1b]0;mine\\x07\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_reason_is_what_the_program_called_an_error(said: bytes, told: str) -> None:
    assert reason("psql", said) == f"psql failed ({told}): correct that and try again."


@pytest.mark.parametrize(
    "planted",
    [
        b"\\! touch MARK\n",
        b"\\o MARK\n",
        b"\\copy products to MARK\n",
        b"COPY products TO PROGRAM 'touch MARK';\n",
        b"products sku,name,currency,unit_price,stock\nx\tX\tEUR\t1\t1\n\\.\r\n\\! touch MARK\n",
        b"products sku,name,currency,unit_price,stock\nx\tX\tEUR\t1\t1\n\\.\n\\! touch MARK\n",
        b"products sku,name,currency,unit_price,stock\n\0\n\\.\n\\! touch MARK\n",
        b"products sku,name,currency,unit_price,stock\n" + b"x" * 65536 + b"\\.\n\\! touch MARK\n",
        b"products sku,name,currency,unit_price,stock\n" + b"x" * 65535 + b"\n\\.\r\n\\! touch MARK\n",
        b"products sku,name,currency,unit_price,stock\n\\." + b"\r" * 70000 + b"\n\\! touch MARK\n",
        b"products sku) FROM PROGRAM 'touch MARK' --\nx\n\\.\n",
        b"products sku\nno end",
        b"products sku,name,currency,unit_price,stock\n\\.\r\\! touch MARK\n\\.\n",
        b"products sku,name,currency,unit_price,stock\nx\tX\\.\n\\.\n",
        b"products sku,name,currency,unit_price,stock\n\\x78\tX\tEUR\t1\t1\n\\.\n",
        b"products sku,name,currency,unit_price,stock\nx\t" + b"X" * 65533 + b"\\.\n\\.\n",
        b"pg_authid rolname\nmine\n\\.\n",
        b"nothing sku\nx\n\\.\n",
    ],
)
async def test_nothing_that_a_file_says_is_carried_out(
    postgres_database_url: str, tmp_path: Path, planted: bytes
) -> None:
    await migrate(postgres_database_url, Path("functions/orders"))
    store = Postgres(postgres_database_url)
    file, mark = tmp_path / "saved", tmp_path / "mark"
    await asyncio.to_thread(store.save, file)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + planted.replace(b"MARK", bytes(mark))))
    with pytest.raises(Refusal):
        await asyncio.to_thread(store.load, file, MIGRATIONS)
    assert not mark.exists()
    assert await run(postgres_database_url, "SELECT count(*) FROM products") == 0


def test_tables_come_behind_those_that_they_refer_to() -> None:
    found = [("a", "x", "b,c"), ("b", "x", "c,b"), ("c", "x", "")]
    assert [table for table, _ in in_order(found)] == ["c", "b", "a"]
    with pytest.raises(Refusal, match="refer to each other can't be saved: a, b"):
        list(in_order([("a", "x", "b"), ("b", "x", "a")]))
