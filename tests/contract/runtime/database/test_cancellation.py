"""Who is cancelled, at whatever moment: all of a transaction or nothing, and a connection that the next may have."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.database import Connection, Database
from runtime.database.idempotency import SCHEMA, Answer, Claim, once
from tests.invariants import BOUNDS

CONNECTIONS = 3
TABLE = "CREATE TABLE pairs (number BIGINT, side TEXT)"
TURNS = st.lists(st.integers(0, 300), min_size=8, max_size=24)  # of the loop, after which each task is cancelled


@pytest.fixture
def run() -> Iterator[asyncio.Runner]:
    """One loop for all examples of a test."""
    with asyncio.Runner() as runner:
        yield runner


async def opened(url: str, *statements: str) -> Database:
    database = await Database.open(url, connections=CONNECTIONS)
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(statement)
    return database


async def cancelled_after(turns: int, work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def every_connection_serves(database: Database) -> None:
    """All at once, so that each is seen; and a write."""
    together = asyncio.Barrier(CONNECTIONS)

    async def read() -> None:
        async with database.read() as connection:
            await connection.fetch("SELECT number FROM pairs")
            await together.wait()

    async with asyncio.timeout(30):
        await asyncio.gather(*(read() for _ in range(CONNECTIONS)))
        async with database.write() as connection:
            await connection.execute("DELETE FROM pairs WHERE number < 0")
    assert database.load.open == 0


async def add_pair(connection: Connection, number: int) -> None:
    for side in ("left", "right"):
        await connection.execute("INSERT INTO pairs (number, side) VALUES ($1, $2)", number, side)


async def taken(database: Database) -> Counter[int]:
    """How many sides each pair has; there is none afterwards."""
    async with database.write() as connection:
        found = Counter(row["number"] for row in await connection.fetch("SELECT number FROM pairs"))
        await connection.execute("DELETE FROM pairs")
    return found


def test_a_storm_of_cancellations_leaves_whole_pairs_and_whole_connections(
    database_url: str, run: asyncio.Runner
) -> None:
    database = run.run(opened(database_url, TABLE))

    async def pair(number: int) -> None:
        async with database.write() as connection:
            await add_pair(connection, number)

    async def play(turns: list[int]) -> set[int]:
        await asyncio.gather(*(cancelled_after(each, pair(number)) for number, each in enumerate(turns)))
        await every_connection_serves(database)
        return set((await taken(database)).values())

    @BOUNDS
    @given(TURNS)
    def storm(turns: list[int]) -> None:
        assert run.run(play(turns)) <= {2}

    storm()
    run.run(database.close())


def test_a_keyed_request_that_is_cancelled_again_and_again_has_its_effect_once(
    database_url: str, run: asyncio.Runner
) -> None:
    schema = [statement for statement in SCHEMA.split(";") if statement.strip()]
    database = run.run(opened(database_url, TABLE, *schema))

    async def place(number: int) -> Answer:
        async def effect(connection: Connection) -> Answer:
            await add_pair(connection, number)
            return Answer(201, [], b"%d" % number)

        claim = Claim("ann", "POST", "/pairs", str(number), "same")
        answer, _ = await once(database, claim, effect, now=lambda: 1)
        return answer

    async def play(turns: list[int]) -> tuple[Counter[int], list[bytes]]:
        keys = [number % 4 for number in range(len(turns))]
        await asyncio.gather(*(cancelled_after(each, place(key)) for key, each in zip(keys, turns, strict=True)))
        answers = [(await place(key)).body for key in range(4)]
        await every_connection_serves(database)
        found = await taken(database)
        async with database.write() as connection:
            await connection.execute("DELETE FROM idempotency_keys")
        return found, answers

    @BOUNDS
    @given(TURNS)
    def storm(turns: list[int]) -> None:
        found, answers = run.run(play(turns))
        assert (found, answers) == (Counter(dict.fromkeys(range(4), 2)), [b"0", b"1", b"2", b"3"])

    storm()
    run.run(database.close())


async def test_who_waits_for_anothers_lock_lets_go_at_once(database_url: str) -> None:
    """Long before the end of its patience; SQLite by itself takes no notice while it waits."""
    database = await opened(database_url, TABLE, "INSERT INTO pairs (number, side) VALUES (1, 'left')")
    patient = await Database.open(database_url, connections=1, patience=600)

    async def change() -> None:
        async with patient.write() as connection:
            await connection.execute("UPDATE pairs SET side = 'right'")

    async with database.write() as holder:
        await holder.execute("UPDATE pairs SET side = 'both'")
        waiting = asyncio.create_task(change())
        while not patient.load.open:  # noqa: ASYNC110  the pool tells nobody
            await asyncio.sleep(0)
        for _ in range(100):  # nothing tells that it waits for a lock; in so many turns of other threads it will
            await asyncio.to_thread(int)
        waiting.cancel()
        async with asyncio.timeout(60):
            await asyncio.gather(waiting, return_exceptions=True)
            async with patient.read() as connection:
                await connection.fetch("SELECT number FROM pairs")
    assert patient.load.open == 0
    await patient.close()
    await database.close()
