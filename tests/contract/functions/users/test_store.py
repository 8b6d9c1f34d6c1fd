"""functions/users/store.py: what SQL has to hold, on both databases."""

import asyncio

import msgspec
import pytest

from functions.users import store
from functions.users.model import User
from functions.users.sessions import Grant, begin, refresh
from runtime.database import Database, UniqueViolation
from runtime.database.ids import uuid7

ANN = User("01a2", "Ann@example.org", "ann@example.org", "Ann", "user", "hash", 1, 1000, 1000)


async def added(database: Database, user: User = ANN) -> User:
    async with database.write() as connection:
        await store.add_user(connection, user)
    return user


async def begun(database: Database, user: User, now: int) -> Grant:
    grant = await begin(database, user, user.password_hash, now)
    assert grant is not None
    return grant


async def test_a_user_comes_back_as_it_was_stored(database: Database) -> None:
    await added(database)
    async with database.read() as connection:
        assert await store.user(connection, ANN.id) == ANN
        assert await store.user_by_email(connection, "ann@example.org") == ANN
        assert await store.user_by_email(connection, "Ann@example.org") is None


async def test_an_email_is_in_the_store_once(database: Database) -> None:
    await added(database)
    with pytest.raises(UniqueViolation) as refused:
        await added(database, msgspec.structs.replace(ANN, id="other"))
    assert refused.value.columns == ("email_key",)


async def test_a_change_is_made_of_the_version_before_it_only(database: Database) -> None:
    await added(database)
    changes = [msgspec.structs.replace(ANN, name=f"Ann {number}", version=2) for number in range(4)]

    async def change(user: User) -> bool:
        async with database.write() as connection:
            return await store.change_user(connection, user)

    assert sorted(await asyncio.gather(*map(change, changes))) == [False, False, False, True]
    assert not await change(msgspec.structs.replace(ANN, version=1))
    assert not await change(msgspec.structs.replace(ANN, id="nobody", version=3))


async def test_a_hash_is_replaced_while_it_is_the_one_that_was_read(database: Database) -> None:
    await added(database)
    async with database.write() as connection:
        assert await store.replace_hash(connection, ANN, "newer")
        assert not await store.replace_hash(connection, ANN, "newest")
    async with database.read() as connection:
        assert await store.user(connection, ANN.id) == msgspec.structs.replace(ANN, password_hash="newer")


async def test_a_session_that_has_ended_keeps_the_moment_of_its_end(database: Database) -> None:
    grant = await begun(database, await added(database), 1000)
    async with database.write() as connection:
        await store.end_session(connection, grant.session_id, 2000)
        await store.end_session(connection, grant.session_id, 3000)
    async with database.read() as connection:
        assert await store.ended_sessions(connection, 2000) == [grant.session_id]
        assert await store.ended_sessions(connection, 2001) == []


async def test_what_ended_at_one_moment_is_told_page_by_page(database: Database) -> None:
    user = await added(database)
    early, *late = sorted([(await begun(database, user, 0)).session_id for _ in range(6)])
    async with database.write() as connection:
        await store.end_session(connection, early, 3000)
        await store.end_sessions(connection, user.id, 2000, but=early)
    told: list[str] = []
    async with database.read() as connection:
        while page := await store.ended_sessions(connection, 2000, told[-1] if told else "", limit=2):
            assert len(page) == 2
            told += page
        assert await store.ended_sessions(connection, 2001, limit=2) == [early]
    assert told == [*late, early]


async def test_ending_a_users_sessions_leaves_the_one_that_is_kept_and_those_of_others(database: Database) -> None:
    ann = await added(database)
    bob = await added(database, msgspec.structs.replace(ANN, id=uuid7(), email_key="bob@example.org"))
    kept, ended, others = await begun(database, ann, 0), await begun(database, ann, 0), await begun(database, bob, 0)
    async with database.write() as connection:
        await store.end_sessions(connection, ann.id, 1000, but=kept.session_id)
    async with database.read() as connection:
        assert await store.user_of_session(connection, kept.session_id) == ann
        assert await store.user_of_session(connection, others.session_id) == bob
        assert await store.user_of_session(connection, ended.session_id) is None


async def test_a_purge_removes_what_ended_or_lay_unused_and_nothing_else(database: Database) -> None:
    user = await added(database)
    unused, ended, used, fresh = [await begun(database, user, moment) for moment in (0, 900, 0, 900)]
    await refresh(database, used.refresh_token, 900, 10_000)
    async with database.write() as connection:
        await store.end_session(connection, ended.session_id, 950)
        assert await store.purge(connection, ended_before=951, unused_since=500, limit=10) == 5
    async with database.read() as connection:
        left = {row["id"] for row in await connection.fetch("SELECT id FROM sessions")}
    assert left == {used.session_id, fresh.session_id}
    assert unused.session_id not in left


async def test_a_purge_removes_no_more_than_it_may_and_ends_with_nothing_left(database: Database) -> None:
    user = await added(database)
    for _ in range(5):
        grant = await begun(database, user, 0)
        await refresh(database, grant.refresh_token, 1, 10_000)
        async with database.write() as connection:
            await store.end_session(connection, grant.session_id, 10)
    removed: list[int] = []
    while not removed or removed[-1]:
        async with database.write() as connection:
            removed.append(await store.purge(connection, ended_before=11, unused_since=0, limit=2))
    assert max(removed) <= 4 * 2
    assert sum(removed) == 5 * 3
    async with database.read() as connection:
        assert await connection.fetch("SELECT id FROM sessions") == []


async def test_the_database_itself_lets_a_session_have_no_second_unspent_token(database: Database) -> None:
    grant = await begun(database, await added(database), 0)
    with pytest.raises(UniqueViolation):
        async with database.write() as connection:
            await store.add_token(connection, "another", grant.session_id, 0)
