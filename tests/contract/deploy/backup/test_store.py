"""One suite for every Store: what was saved comes back, all of it or nothing."""

import asyncio
from pathlib import Path

import pytest

from deploy.engine import Refusal
from runtime.database import Database
from tests.contract.deploy.backup.kept import MIGRATIONS, Kept, full_disk, product


def test_what_was_saved_comes_back_row_by_row(kept: Kept, file: Path) -> None:
    before = {table: kept.rows(table) for table in ("products", "schema_migrations")}
    kept.store.save(file)
    kept.write("UPDATE products SET stock = 0", product("tea"), "DELETE FROM schema_migrations")
    kept.store.load(file, MIGRATIONS)
    assert {table: kept.rows(table) for table in before} == before


def test_tables_that_are_newer_than_the_backup_are_gone(kept: Kept, file: Path) -> None:
    kept.store.save(file)
    kept.write("CREATE TABLE newer (id BIGINT PRIMARY KEY)", "ALTER TABLE products ADD COLUMN newer TEXT")
    before = kept.rows("products")
    kept.store.load(file, MIGRATIONS)
    assert kept.rows("products") == [row[:-1] for row in before]
    kept.write("CREATE TABLE newer (id BIGINT PRIMARY KEY)")


def test_a_database_that_was_loaded_keeps_its_constraints(kept: Kept, file: Path) -> None:
    kept.store.save(file)
    kept.store.load(file, MIGRATIONS)
    with pytest.raises(Exception, match=r"(?i)stock"):
        kept.write("UPDATE products SET stock = -1")


async def test_what_is_not_committed_yet_is_waited_for_by_nobody_and_saved_by_nobody(kept: Kept, file: Path) -> None:
    database = await Database.open(kept.url)
    async with database.write() as connection:
        await connection.execute("UPDATE products SET stock = 99")
        await asyncio.to_thread(kept.store.save, file)
    await database.close()
    await asyncio.to_thread(kept.store.load, file, MIGRATIONS)
    assert [row[-1] for row in await asyncio.to_thread(kept.rows, "products")] == [3]


def test_a_file_that_is_cut_off_changes_nothing(kept: Kept, file: Path) -> None:
    kept.write(*(product(f"mug-{number}") for number in range(500)))
    kept.store.save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    before = kept.rows("products")
    with pytest.raises(Refusal):
        kept.store.load(file, MIGRATIONS)
    assert kept.rows("products") == before


def test_a_full_disk_is_a_refusal(kept: Kept, file: Path) -> None:
    kept.write(*(product(f"mug-{number}-{hash(number):x}") for number in range(2000)))
    with full_disk(), pytest.raises(Refusal):
        kept.store.save(file)


def test_the_schema_is_that_of_the_last_migration(kept: Kept) -> None:
    assert kept.store.schema() == max(row[0] for row in kept.rows("schema_migrations"))


def test_what_a_query_finds_is_text_whatever_is_in_it(kept: Kept) -> None:
    kept.write("UPDATE products SET name = 'two\nlines, a \"quote\", ☕'")
    found = kept.store.rows("SELECT sku, stock + 1, name FROM products WHERE sku LIKE 'mu%'")
    assert found == [("mug", "4", 'two\nlines, a "quote", ☕')]
    assert kept.store.rows("SELECT sku FROM products WHERE sku = 'tea'") == []


def test_a_query_that_is_none_is_a_refusal(kept: Kept) -> None:
    with pytest.raises(Refusal):
        kept.store.rows("SELECT nothing FROM nowhere")


def test_a_backup_of_other_migrations_is_refused_and_changes_nothing(kept: Kept, file: Path) -> None:
    kept.write("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1")
    kept.store.save(file)
    kept.write("UPDATE products SET stock = 0")
    with pytest.raises(Refusal, match="other migrations"):
        kept.store.load(file, MIGRATIONS)
    assert [row[-1] for row in kept.rows("products")] == [0]


def test_a_table_that_no_migration_makes_does_not_come_with_a_backup(kept: Kept, file: Path) -> None:
    kept.write("CREATE TABLE mine (id BIGINT)")
    kept.store.save(file)
    with pytest.raises(Refusal, match="mine"):
        kept.store.load(file, MIGRATIONS)


def test_a_backup_of_an_earlier_schema_is_loaded_as_it_was(kept: Kept, file: Path) -> None:
    first = MIGRATIONS[:1]
    later = "DROP INDEX orders_by_status", "DROP TABLE idempotency_keys"
    kept.write(*later, "DELETE FROM schema_migrations WHERE version > 1")
    kept.store.save(file)
    kept.store.load(file, first)
    assert [row[0] for row in kept.rows("schema_migrations")] == [1]
    with pytest.raises(Refusal):
        kept.store.load(file, MIGRATIONS)
