"""deploy/backup/archive.py: a backup is whole or not there, and only a whole one that fits is loaded."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.backup import archive, manifest
from deploy.backup.postgres import Postgres
from deploy.backup.sqlite import Sqlite
from deploy.engine import Refusal
from tests.contract.deploy.backup.kept import Kept, full_disk, product

if TYPE_CHECKING:
    from deploy.backup.store import Store

AT = datetime(2026, 11, 22, 18, 5, 9, tzinfo=UTC)
FUNCTIONS = Path("functions")
KEY = b"k" * 32


@pytest.fixture
def saved(kept: Kept, tmp_path: Path) -> Path:
    return archive.save({"orders": kept.store}, tmp_path / "backups", AT, KEY)


def test_a_backup_is_named_by_its_moment_and_only_its_owner_may_read_it(saved: Path) -> None:
    assert saved.name == "2026-11-22T180509Z"
    assert {path.stat().st_mode & 0o777 for path in (saved, saved.parent)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in saved.iterdir()} == {0o600}


def test_its_manifest_says_what_and_when(saved: Path, kept: Kept) -> None:
    found = manifest.read(saved, KEY)
    assert found.made_at == "2026-11-22T18:05:09Z"
    assert [(part.function, part.schema) for part in found.parts] == [("orders", kept.store.schema())]


def test_a_backup_that_can_not_be_finished_is_not_there(kept: Kept, tmp_path: Path) -> None:
    kept.write(*(product(f"mug-{number}-{hash(number):x}") for number in range(2000)))
    with full_disk(), pytest.raises(Refusal):
        archive.save({"orders": kept.store}, tmp_path / "backups", AT, KEY)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_folder_that_can_not_be_written_is_the_systems_error(kept: Kept, file: Path) -> None:
    with pytest.raises(OSError, match="Not a directory"):
        archive.save({"orders": kept.store}, file / "backups", AT, KEY)


def test_what_was_saved_is_checked_and_loaded(saved: Path, kept: Kept) -> None:
    before = kept.rows("products")
    kept.write("DELETE FROM products")
    stores = {"orders": kept.store}
    archive.load(saved, archive.check(saved, stores, FUNCTIONS, KEY), stores, FUNCTIONS)
    assert kept.rows("products") == before


def test_a_file_with_one_other_byte_is_refused(saved: Path, kept: Kept) -> None:
    file = next(path for path in saved.iterdir() if path.name != manifest.NAME)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Refusal, match="is not what was backed up"):
        archive.check(saved, {"orders": kept.store}, FUNCTIONS, KEY)


def test_a_backup_of_another_kind_of_database_is_refused(saved: Path, kept: Kept) -> None:
    other: dict[str, Store] = {"sqlite": Postgres("postgresql:///"), "rows.gz": Sqlite(Path("orders.db"))}
    with pytest.raises(Refusal, match="can't go into this stack, whose orders keeps data as"):
        archive.check(saved, {"orders": other[kept.store.form]}, FUNCTIONS, KEY)


def test_a_backup_of_a_function_that_is_not_there_is_refused(saved: Path) -> None:
    with pytest.raises(Refusal, match="no such function"):
        archive.check(saved, {}, FUNCTIONS, KEY)


def test_a_backup_that_is_newer_than_the_code_is_refused(kept: Kept, tmp_path: Path) -> None:
    kept.write("UPDATE schema_migrations SET version = 9000 + version")
    stores = {"orders": kept.store}
    folder = archive.save(stores, tmp_path / "backups", AT, KEY)
    with pytest.raises(Refusal, match="update it"):
        archive.check(folder, stores, FUNCTIONS, KEY)
