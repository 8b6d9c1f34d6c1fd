"""deploy/backup/sqlite.py: what only SQLite has."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.backup.sqlite import Sqlite
from deploy.engine import Refusal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a database.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE things (id); INSERT INTO things VALUES (1)")
    return path


def test_what_is_saved_is_one_file(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a database.db", "saved"]
    assert b"WAL" not in file.read_bytes()


def test_a_reader_from_before_sees_what_was_loaded(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("INSERT INTO things VALUES (2)")
        reader.commit()
        Sqlite(path).load(file)
        assert reader.execute("SELECT id FROM things").fetchall() == [(1,)]
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    with pytest.raises(Refusal, match=r"nowhere\.db"):
        Sqlite(tmp_path / "nowhere.db").save(file)
    assert not (tmp_path / "nowhere.db").exists()
