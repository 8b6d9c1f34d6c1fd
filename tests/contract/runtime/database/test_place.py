"""Where a connection to PostgreSQL is kept."""

import asyncpg
import pytest

from runtime.database import DatabaseUnavailable, StatementRefused
from runtime.database.place import Place, translated


async def one(place: Place) -> object:
    assert place.raw is not None
    return await place.raw.fetchval("SELECT 1")


async def test_a_place_is_ready_from_when_it_is_opened_until_its_connection_is_gone(postgres_database_url: str) -> None:
    place = Place(postgres_database_url, 5)
    ready = [place.ready]
    await place.open()
    ready.append(place.ready)
    assert place.raw is not None
    await place.raw.close()
    ready.append(place.ready)
    await place.open()
    assert await one(place) == 1
    ready.append(place.ready)
    place.drop()
    place.drop()
    assert [*ready, place.ready] == [False, True, False, True, False]


async def test_who_does_not_begin_a_write_cannot_write(postgres_database_url: str) -> None:
    place = Place(postgres_database_url, 5)
    await place.open()
    assert place.raw is not None
    with pytest.raises(StatementRefused, match="read-only"), translated():
        await place.raw.execute("CREATE TABLE things (id BIGINT)")
    place.drop()


def test_a_connection_that_is_closed_is_unavailable_and_a_wrong_use_is_refused() -> None:
    for said, ours in (("connection is closed", DatabaseUnavailable), ("cannot use it", StatementRefused)):
        with pytest.raises(ours), translated():
            raise asyncpg.InterfaceError(said)
