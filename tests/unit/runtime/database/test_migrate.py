"""The pure part: which files there are, and where one statement ends. What they do is in the contract suite."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.database.migrate import MigrationError, read, statements

ONE = "CREATE TABLE a (b TEXT DEFAULT 'x;y')"
TRIGGER = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; DELETE FROM a; END"


@given(st.lists(st.sampled_from([ONE, TRIGGER, "SELECT 1 -- why; not\n", "SELECT /* ; */ 1", 'SELECT ";"'])))
def test_only_a_semicolon_that_ends_a_statement_ends_one(texts: list[str]) -> None:
    assert [statement.strip(" ;") for statement in statements("; ".join(texts))] == [text.strip(" ") for text in texts]


@pytest.mark.parametrize(
    "text", ["", ";;", "  \n", "-- nothing; here", "/* nor; here */", "SELECT 1; -- the end", ";SELECT 1;"]
)
def test_what_is_left_at_the_end_is_a_statement_only_if_there_is_one(text: str) -> None:
    assert statements(text) == ["SELECT 1;"] * text.count("SELECT")


def test_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("0002_b.sql", "0010_c.sql", "0001_a.sql"):
        (tmp_path / name).write_text("")
    assert [migration.version for migration in read(tmp_path)] == [1, 2, 10]


def test_a_checksum_is_that_of_the_text_wherever_it_was_checked_out(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\n")
    unix = read(tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\r\n")
    assert read(tmp_path) == unix


@pytest.mark.parametrize("name", ["1_a.sql", "0001.sql", "0001-a.sql", "accounts.sql"])
def test_a_name_that_is_none_is_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(MigrationError, match=name):
        read(tmp_path)


def test_a_number_that_is_used_twice_is_an_error_that_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("")
    (tmp_path / "0001_b.sql").write_text("")
    with pytest.raises(MigrationError, match=r"0001_b\.sql: 0001_a\.sql"):
        read(tmp_path)


def test_a_folder_without_migrations_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no migrations"):
        read(tmp_path / "schema")
