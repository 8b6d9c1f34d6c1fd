"""What is told of a database, on both."""

import asyncio

import pytest

from runtime.database import Database, StatementRefused
from runtime.database.load_metrics import watch
from runtime.telemetry.metrics import Metrics


def told(metrics: Metrics, name: str) -> float:
    (line,) = [line for line in metrics.text().decode().splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


async def test_a_transaction_is_open_until_its_block_ends_however_that_is(database: Database) -> None:
    metrics = Metrics()
    watch(database, metrics)
    before = told(metrics, "portico_database_transactions_total")
    async with database.read():
        assert told(metrics, "portico_database_transactions_open") == 1
    with pytest.raises(StatementRefused):
        async with database.write() as connection:
            await connection.execute("SELECT nothing")
    assert told(metrics, "portico_database_transactions_open") == 0
    assert told(metrics, "portico_database_transactions_total") == before + 2


async def test_a_transaction_that_finds_no_connection_waits_and_says_so(database: Database) -> None:
    metrics = Metrics()
    watch(database, metrics)
    begun = asyncio.Event()

    async def hold() -> None:
        async with database.write():
            begun.set()
            await asyncio.Event().wait()

    holders = [asyncio.create_task(hold()) for _ in range(100)]
    await begun.wait()
    opened = told(metrics, "portico_database_transactions_open")
    assert 1 <= opened < 100
    for holder in holders:
        holder.cancel()
    await asyncio.wait(holders)
    assert told(metrics, "portico_database_transactions_open") == 0
    assert told(metrics, "portico_database_wait_seconds_total") > 0
