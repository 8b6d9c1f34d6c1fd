"""Where a connection to PostgreSQL is kept."""

import asyncpg
import pytest

from runtime.database import DatabaseUnavailable, StatementRefused
from runtime.database.slot import Slot, translated


async def one(slot: Slot) -> object:
    assert slot.raw is not None
    return await slot.raw.fetchval("SELECT 1")


async def test_a_slot_is_ready_from_when_it_is_opened_until_its_connection_is_gone(postgres_database_url: str) -> None:
    slot = Slot(postgres_database_url, 5)
    ready = [slot.ready]
    await slot.open()
    ready.append(slot.ready)
    assert slot.raw is not None
    await slot.raw.close()
    ready.append(slot.ready)
    await slot.open()
    assert await one(slot) == 1
    ready.append(slot.ready)
    slot.drop()
    slot.drop()
    assert [*ready, slot.ready] == [False, True, False, True, False]


async def test_who_does_not_begin_a_write_cannot_write(postgres_database_url: str) -> None:
    slot = Slot(postgres_database_url, 5)
    await slot.open()
    assert slot.raw is not None
    with pytest.raises(StatementRefused, match="read-only"), translated():
        await slot.raw.execute("CREATE TABLE things (id BIGINT)")
    slot.drop()


def test_a_connection_that_is_closed_is_unavailable_and_a_wrong_use_is_refused() -> None:
    for said, ours in (("connection is closed", DatabaseUnavailable), ("cannot use it", StatementRefused)):
        with pytest.raises(ours), translated():
            raise asyncpg.InterfaceError(said)
