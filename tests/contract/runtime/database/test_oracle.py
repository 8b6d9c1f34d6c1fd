"""Readers and a writer whose blocks overlap, beside an oracle that keeps what each of them has to see."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from runtime.database import Connection, Database, UniqueViolation
from runtime.database.pace import Pace
from tests.invariants import BOUNDS, holds

T = TypeVar("T")
KEYS = st.integers(0, 9)
SIZES = st.sampled_from([7, 7, 8000])  # of what is counted through: little, or more than the event loop has steps for
Entries = dict[int, int]

TABLE = "CREATE TABLE entries (k BIGINT PRIMARY KEY, v BIGINT NOT NULL)"
ALL = "SELECT k, v FROM entries ORDER BY k"
PUT = "INSERT INTO entries (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
ADD = "INSERT INTO entries (k, v) VALUES ($1, $2)"
BUMP = "UPDATE entries SET v = v + 1 WHERE k >= $1"
_N = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)"
COUNT = f"{_N} SELECT count(*) AS i FROM n"  # noqa: S608  of constants
FILL = f"INSERT INTO entries (k, v) {_N} SELECT 100 + i % 7, 0 FROM n WHERE 1 = 1 ON CONFLICT DO NOTHING"  # noqa: S608


class Opened:
    """A block that is open, and what it has to see; None before its first query."""

    def __init__(self, stack: AsyncExitStack, connection: Connection, entries: Entries | None) -> None:
        self.stack = stack
        self.connection = connection
        self.entries = entries


class Databases(RuleBasedStateMachine):
    """One database, of either kind."""

    run: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.kept: Entries = {}
        self.readers: list[Opened] = []
        self.writer: Opened | None = None

    def does(self, work: Coroutine[Any, Any, T]) -> T:
        return self.run.run(work)

    @precondition(lambda self: len(self.readers) < 3)
    @rule()
    def a_reader_comes(self) -> None:
        self.readers.append(self.does(self.opened(writes=False)))

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 2), size=SIZES)
    def a_reader_looks(self, which: int, size: int) -> None:
        reader = self.readers[which % len(self.readers)]
        reader.entries = dict(self.kept) if reader.entries is None else reader.entries
        if size > 7:
            (row,) = self.does(reader.connection.fetch(COUNT, size))
            holds("a long query counts all", row["i"] == size)
        holds("a block sees the state of its first query", self.seen(reader.connection) == reader.entries)

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 2))
    def a_reader_goes(self, which: int) -> None:
        self.does(self.readers.pop(which % len(self.readers)).stack.aclose())

    @rule()
    def somebody_looks_once(self) -> None:
        async def look() -> Entries:
            async with self.database.single() as connection:
                return {row["k"]: row["v"] for row in await connection.fetch(ALL)}

        holds("who comes now sees what was committed", self.does(look()) == self.kept)

    @precondition(lambda self: self.writer is None)
    @rule()
    def the_writer_comes(self) -> None:
        self.writer = self.does(self.opened(writes=True))
        self.writer.entries = dict(self.kept)

    @precondition(lambda self: self.writer)
    @rule(key=KEYS, value=st.integers(0, 9))
    def the_writer_puts(self, key: int, value: int) -> None:
        connection, entries = self.writing()
        holds("one row is put", self.does(connection.execute(PUT, key, value)) == 1)
        entries[key] = value

    @precondition(lambda self: self.writer)
    @rule(key=KEYS)
    def the_writer_adds_to_all(self, key: int) -> None:
        connection, entries = self.writing()
        meant = [each for each in entries if each >= key]
        holds("as many are changed as there are", self.does(connection.execute(BUMP, key)) == len(meant))
        entries.update({each: entries[each] + 1 for each in meant})
        holds("a writer sees what it wrote", self.seen(connection) == entries)

    @precondition(lambda self: self.writer)
    @rule(size=SIZES)
    def the_writer_fills(self, size: int) -> None:
        connection, entries = self.writing()
        new = {100 + each: 0 for each in range(7) if 100 + each not in entries}
        holds("as many are filled in as lacked", self.does(connection.execute(FILL, size)) == len(new))
        entries.update(new)

    @precondition(lambda self: self.writer)
    @rule(key=KEYS)
    def the_writer_adds(self, key: int) -> None:
        connection, entries = self.writing()
        try:
            self.does(connection.execute(ADD, key, 0))
        except UniqueViolation:
            holds("what is refused was there", key in entries)
            self.ended(give_up=True)
        else:
            holds("what was there is refused", key not in entries)
            entries[key] = 0

    @precondition(lambda self: self.writer)
    @rule()
    def the_writer_commits(self) -> None:
        _, self.kept = self.writing()
        self.ended(give_up=False)

    @precondition(lambda self: self.writer)
    @rule()
    def the_writer_gives_up(self) -> None:
        self.ended(give_up=True)

    @precondition(lambda self: self.writer)
    @rule(turns=st.integers(0, 4), size=SIZES)
    def the_writer_is_cancelled(self, turns: int, size: int) -> None:
        self.does(self.cancelled(turns, size))
        self.writer = None

    @invariant()
    def as_many_are_open_as_have_come(self) -> None:
        opened = len(self.readers) + (self.writer is not None)
        holds("as many are open as have come", self.database.load.open == opened, self.database.load)

    def teardown(self) -> None:
        for reader in self.readers:
            self.does(reader.stack.aclose())
        if self.writer:
            self.ended(give_up=True)
        self.does(emptied(self.database))

    def writing(self) -> tuple[Connection, Entries]:
        assert self.writer is not None
        assert self.writer.entries is not None
        return self.writer.connection, self.writer.entries

    def seen(self, connection: Connection) -> Entries:
        return {row["k"]: row["v"] for row in self.does(connection.fetch(ALL))}

    async def opened(self, *, writes: bool) -> Opened:
        stack = AsyncExitStack()
        block = self.database.write() if writes else self.database.read()
        return Opened(stack, await stack.enter_async_context(block), None)

    async def cancelled(self, turns: int, size: int) -> None:
        """The writer's block ends with its task's, which is cancelled after so many turns of a statement."""
        assert self.writer is not None
        writer = self.writer

        async def write() -> None:
            async with writer.stack:
                await writer.connection.execute(FILL, size)
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        if turns == 0:  # it never began
            await writer.stack.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)

    def ended(self, *, give_up: bool) -> None:
        assert self.writer is not None
        failure = (KeyError, KeyError(), None) if give_up else (None, None, None)
        self.does(self.writer.stack.__aexit__(*failure))
        self.writer = None


async def emptied(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute("DELETE FROM entries")


async def made(url: str) -> Database:
    database = await Database.open(url, connections=5)
    async with database.write() as connection:
        await connection.execute(TABLE)
    return database


@pytest.fixture
def run() -> Iterator[asyncio.Runner]:
    """One loop for all examples of a test."""
    with asyncio.Runner() as runner:
        yield runner


def test_every_block_sees_its_state_and_what_is_committed_stays(
    database_url: str, run: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite each statement is tried on the event loop, whatever is known of it: long ones outgrow it each time."""
    monkeypatch.setattr(Pace, "short", lambda _pace, _sql: True)
    database = run.run(made(database_url))
    machine = type("Machine", (Databases,), {"run": run, "database": database})
    run_state_machine_as_test(machine, settings=BOUNDS)
    run.run(database.close())
