"""functions/users/apikeys/store.py: what SQL has to hold of keys, on both databases."""

import asyncio

import pytest

from functions.users import store as users
from functions.users.apikeys import store
from functions.users.model import User
from runtime.database import Database, UniqueViolation

ANN = User("01a2", "Ann@example.org", "ann@example.org", "Ann", "user", "hash", 1, 1000, 1000)
DAY = 86_400_000


async def made(
    database: Database, key_id: str, now: int = 1000, key_hash: str = "", expires_at: int | None = None
) -> None:
    async with database.write() as connection:
        await users.begin_session(connection, key_id, ANN.id, now)
        await store.add(connection, key_id, key_hash or f"hash of {key_id}", "acme_1", "a name", expires_at)


async def listed(database: Database, now: int = 1000) -> list[str]:
    async with database.read() as connection:
        return [row["session_id"] for row in await store.of_user(connection, ANN.id, now)]


async def test_a_key_comes_back_as_it_was_stored_and_used(database: Database) -> None:
    await made(database, "a", expires_at=9000)
    async with database.write() as connection:
        await store.used(connection, "a", 5000)
    async with database.read() as connection:
        (row,) = await store.of_user(connection, ANN.id, 8999)
        found = await store.by_hash(connection, "hash of a", 8999)
        assert await store.by_hash(connection, "another", 8999) is None
        assert await store.by_hash(connection, "hash of a", 9000) is None
        assert not await store.of_user(connection, ANN.id, 9000)
    assert dict(row) == {
        "session_id": "a",
        "name": "a name",
        "prefix": "acme_1",
        "authenticated_at": 1000,
        "expires_at": 9000,
        "used_at": 5000,
    }
    assert found is not None
    assert dict(found) == {"session_id": "a", "expires_at": 9000, "used_at": 5000}


async def test_no_two_keys_have_one_hash(database: Database) -> None:
    await made(database, "a", key_hash="the same")
    with pytest.raises(UniqueViolation):
        await made(database, "b", key_hash="the same")


async def test_keys_are_listed_newest_first_and_while_they_live_and_no_session_is(database: Database) -> None:
    await made(database, "a")
    await made(database, "b")
    async with database.write() as connection:
        await users.begin_session(connection, "c", ANN.id, 1000)
    assert await listed(database) == ["b", "a"]
    async with database.read() as connection:
        assert [row["id"] for row in await users.living_sessions(connection, ANN.id)] == ["c"]
        assert not await store.owns(connection, ANN.id, "c")
        assert not await store.owns(connection, "another", "a")
    async with database.write() as connection:
        await users.end_session(connection, "b", 2000)
        assert await store.owns(connection, ANN.id, "b")
    assert await listed(database) == ["a"]


async def test_a_key_lives_however_old_it_is_and_leaves_when_it_has_ended(database: Database) -> None:
    await made(database, "ended", now=0)
    await made(database, "lives", now=0)
    async with database.write() as connection:
        await users.end_session(connection, "ended", 1000)
        removed = await users.purge(connection, ended_before=1001, unused_since=400 * DAY, limit=10)
    assert removed == 1
    assert await listed(database) == ["lives"]
    async with database.read() as connection:
        assert await store.by_hash(connection, "hash of ended", 1000) is None


async def test_a_key_that_has_expired_leaves_as_one_that_was_ended(database: Database) -> None:
    await made(database, "expired", expires_at=2000)
    await made(database, "expires", expires_at=2001)
    await made(database, "lives")
    async with database.write() as connection:
        assert await users.purge(connection, ended_before=2001, unused_since=0, limit=10) == 1
    assert await listed(database) == ["lives", "expires"]


async def test_of_who_leaves_nothing_is_known_but_that_his_keys_have_ended(database: Database) -> None:
    await made(database, "a")
    async with database.write() as connection:
        await store.forget(connection, ANN.id)
        await users.end_sessions(connection, ANN.id, 2000)
    async with database.read() as connection:
        assert await connection.fetch("SELECT name FROM api_keys") == []
        assert await users.ended_sessions(connection, 2000) == ["a"]


async def test_who_holds_a_user_is_waited_for(database: Database) -> None:
    """Ten who each make a key when they see none are one after the other: the first is seen by the rest."""
    async with database.write() as connection:
        await users.add_user(connection, ANN)

    async def make(number: int) -> bool:
        async with database.write() as connection:
            await users.hold_user(connection, ANN.id)
            if await store.of_user(connection, ANN.id, 0):
                return False
            await asyncio.sleep(0.01)  # others would see none either
            await users.begin_session(connection, str(number), ANN.id, 0)
            await store.add(connection, str(number), str(number), "", "", None)
            return True

    assert sum(await asyncio.gather(*map(make, range(5)))) == 1
