"""A connection to a SQLite file: on the loop it does little at a time, and waits for nobody."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runtime.database import StatementRefused, UniqueViolation
from runtime.database.handle import Handle

COUNT = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) AS i FROM n
"""
FILL = """
WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $1) INSERT INTO things (id) SELECT i FROM n
"""
ENDLESS = 10**12


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "portico.db")


@pytest.fixture
def handle(path: str) -> Iterator[Handle]:
    handle = Handle(path)
    handle.raw.executescript("PRAGMA journal_mode = WAL; CREATE TABLE things (id BIGINT PRIMARY KEY)")
    yield handle
    handle.raw.close()


def test_a_runaway_is_given_up_after_two_looks(handle: Handle) -> None:
    """In steps, so that no machine is too slow for it."""
    handle.at_once("BEGIN")
    assert handle.at_once(COUNT, [ENDLESS]) is None
    assert handle.looks == 2
    assert handle.sound


def test_what_is_short_is_never_given_up_however_often_it_runs(handle: Handle) -> None:
    """SQLite counts the steps of a prepared statement from one run to the next."""
    looked = 0
    for _ in range(3000):
        assert handle.at_once(COUNT, [10]) is not None
        looked += handle.looks
    assert looked > 10


def test_a_write_that_is_given_up_takes_its_transaction_along(handle: Handle) -> None:
    handle.at_once("BEGIN IMMEDIATE")
    handle.at_once("INSERT INTO things VALUES ($1)", [1])
    assert handle.at_once(FILL, [ENDLESS]) is None
    assert not handle.sound
    assert handle.raw.execute("SELECT id FROM things").fetchall() == []


def test_on_the_loop_nobody_waits_for_a_lock(handle: Handle, path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert handle.at_once("BEGIN IMMEDIATE") is None
        other.execute("COMMIT")
    assert handle.at_once("BEGIN IMMEDIATE") is not None


def test_in_the_thread_a_lock_is_waited_for_and_on_the_loop_afterwards_it_is_not(handle: Handle, path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            handle.patiently(0, "BEGIN IMMEDIATE")
    (row,) = handle.raw.execute("PRAGMA busy_timeout").fetchall()
    assert row["timeout"] == 0


def test_what_is_wrong_is_told_at_once(handle: Handle) -> None:
    handle.at_once("INSERT INTO things VALUES ($1)", [1])
    with pytest.raises(UniqueViolation) as taken:
        handle.at_once("INSERT INTO things VALUES ($1)", [1])
    assert taken.value.columns == ("id",)
    for sql, value in (("SELEC 1", 1), ("INSERT INTO things VALUES ($1)", 2**63), ("SELECT $1", "\ud800")):
        with pytest.raises(StatementRefused):
            handle.at_once(sql, [value])
