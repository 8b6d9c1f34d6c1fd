"""deploy/backup/sqlite.py: what only SQLite has."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.backup.sqlite import Sqlite
from deploy.engine import Refusal
from runtime.database.migrate import TABLE, Migration

THINGS = "CREATE TABLE things (id PRIMARY KEY)"
ONE = Migration(1, "0001_things.sql", f"{THINGS}; CREATE TABLE parts (of REFERENCES things (id))", "sum")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a database.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL")
        database.executescript(f"{TABLE};{ONE.sql}")
        database.execute("INSERT INTO things VALUES (1)")
        database.execute("INSERT INTO schema_migrations VALUES (1, '0001_things.sql', 'sum', 7)")
        database.commit()
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
        Sqlite(path).load(file, [ONE])
        assert reader.execute("SELECT id FROM things").fetchall() == [(1,)]
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    with pytest.raises(Refusal, match=r"nowhere\.db"):
        Sqlite(tmp_path / "nowhere.db").save(file)
    assert not (tmp_path / "nowhere.db").exists()


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER mine AFTER INSERT ON things BEGIN UPDATE things SET id = 'mine'; END",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE VIEW sqliteXmine AS SELECT 1",
        "CREATE TABLE mine (id)",
        "CREATE INDEX mine ON things (id)",
        "ALTER TABLE things RENAME TO old; CREATE VIEW things AS SELECT 'mine' AS id",
        "DROP TABLE parts; CREATE VIRTUAL TABLE parts USING fts5(of)",
    ],
)
def test_what_would_act_by_itself_does_not_come_with_a_backup(path: Path, tmp_path: Path, planted: str) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    with closing(sqlite3.connect(file)) as altered:
        altered.executescript(planted)
    with pytest.raises(Refusal, match="no migration makes"):
        Sqlite(path).load(file, [ONE])
    assert Sqlite(path).rows("SELECT id FROM things") == [("1",)]
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".restore")] == []


def test_a_table_that_lacks_a_column_is_refused(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    with closing(sqlite3.connect(file)) as altered:
        altered.executescript("ALTER TABLE things RENAME COLUMN id TO other")
    with pytest.raises(Refusal, match="no such column"):
        Sqlite(path).load(file, [ONE])
    assert Sqlite(path).rows("SELECT id FROM things") == [("1",)]


def test_of_a_table_that_was_altered_only_the_rows_come(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    with closing(sqlite3.connect(file)) as altered:
        altered.executescript("DROP TABLE things; CREATE TABLE things (id DEFAULT 'mine', more)")
        altered.execute("INSERT INTO things VALUES (2, 3)")
        altered.commit()
    Sqlite(path).load(file, [ONE])
    assert Sqlite(path).rows("SELECT sql FROM sqlite_master WHERE name = 'things'") == [(THINGS,)]
    assert Sqlite(path).rows("SELECT * FROM things") == [("2",)]


def test_rows_that_belong_to_none_are_refused(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.touch()
    Sqlite(path).save(file)
    with closing(sqlite3.connect(file)) as altered:
        altered.execute("INSERT INTO parts VALUES (9)")
        altered.commit()
    with pytest.raises(Refusal, match="a row of parts belongs to none of things"):
        Sqlite(path).load(file, [ONE])
