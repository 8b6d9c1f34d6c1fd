"""functions/users/sessions.py: what tokens are good for, on both databases; in any order, see test_invariants.py."""

import asyncio

import pytest

from functions.users import sessions, store
from functions.users.apikeys import store as apikeys
from functions.users.model import User
from functions.users.sessions import Grant, begin, refresh
from runtime.database import Database
from runtime.database.ids import uuid7

LIFETIME = 3_600_000
GRACE = 10_000


async def someone(database: Database) -> User:
    user_id = uuid7()
    user = User(user_id, f"{user_id}@example.org", f"{user_id}@example.org", "Ann", "user", "", 1, 0, 0)
    async with database.write() as connection:
        await store.add_user(connection, user)
    return user


async def begun(database: Database, user: User, now: int) -> Grant:
    grant = await begin(database, user, user.password_hash, now)
    assert grant is not None
    return grant


async def granted(database: Database, token: str, now: int) -> Grant:
    grant = await refresh(database, token, now, LIFETIME)
    assert grant is not None
    return grant


async def lives(database: Database, grant: Grant) -> bool:
    async with database.read() as connection:
        return await store.user_of_session(connection, grant.session_id) is not None


async def test_a_session_keeps_its_login_through_every_refresh(database: Database) -> None:
    first = await begun(database, await someone(database), 1000)
    second = await granted(database, first.refresh_token, 50_000)
    assert (second.session_id, second.authenticated_at, second.user) == (first.session_id, 1000, first.user)


async def test_of_more_sessions_than_one_user_may_have_the_oldest_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    user, other = await someone(database), await someone(database)
    async with database.write() as connection:
        await store.begin_session(connection, key := uuid7(), user.id, 0)
        await apikeys.add(connection, key, "digest", "portico_", "a key", None)
    others = await begun(database, other, 0)
    grants = [await begun(database, user, moment) for moment in (1000, 2000, 3000)]
    assert [await lives(database, grant) for grant in (*grants, others)] == [False, True, True, True]
    async with database.read() as connection:
        assert await store.user_of_session(connection, key) == user
        assert await store.ended_sessions(connection, 3000) == [grants[0].session_id]


async def test_of_many_who_refresh_at_once_all_get_the_same_token(database: Database) -> None:
    first = await begun(database, await someone(database), 0)
    grants = await asyncio.gather(*(granted(database, first.refresh_token, 1000) for _ in range(8)))
    assert len({grant.refresh_token for grant in grants}) == 1
    await granted(database, grants[0].refresh_token, 2000)


async def test_the_token_just_spent_may_ask_again_for_ten_seconds(database: Database) -> None:
    first = await begun(database, await someone(database), 0)
    second = await granted(database, first.refresh_token, 1000)
    assert await granted(database, first.refresh_token, 1000 + GRACE - 1) == second
    assert await refresh(database, first.refresh_token, 1000 + GRACE, LIFETIME) is None
    assert not await lives(database, first)


async def test_the_token_just_spent_may_not_ask_again_once_its_successor_was_used(database: Database) -> None:
    first = await begun(database, await someone(database), 0)
    second = await granted(database, first.refresh_token, 1000)
    third = await granted(database, second.refresh_token, 1001)
    assert await refresh(database, first.refresh_token, 1002, LIFETIME) is None
    assert await refresh(database, third.refresh_token, 1003, LIFETIME) is None


async def test_a_token_that_lay_unused_for_too_long_is_good_for_nothing(database: Database) -> None:
    first = await begun(database, await someone(database), 0)
    assert await refresh(database, first.refresh_token, LIFETIME, LIFETIME) is None
    await granted(database, first.refresh_token, LIFETIME - 1)


async def test_no_session_begins_with_a_password_that_was_changed_while_it_was_checked(database: Database) -> None:
    user = await someone(database)
    async with database.write() as connection:
        await store.set_hash(connection, user.id, "another")
    assert await begin(database, user, user.password_hash, 0) is None


async def test_no_session_begins_for_who_has_left(database: Database) -> None:
    user = await someone(database)
    async with database.write() as connection:
        await store.remove_user(connection, user.id)
    assert await begin(database, user, user.password_hash, 0) is None


async def test_one_session_says_nothing_of_another(database: Database) -> None:
    user = await someone(database)
    here, elsewhere = await begun(database, user, 0), await begun(database, user, 0)
    await granted(database, here.refresh_token, 1000)
    await refresh(database, here.refresh_token, 1000 + GRACE, LIFETIME)
    await granted(database, elsewhere.refresh_token, 20_000)


async def test_the_store_holds_no_token_that_could_be_used(database: Database) -> None:
    first = await begun(database, await someone(database), 0)
    second = await granted(database, first.refresh_token, 1000)
    async with database.read() as connection:
        rows = await connection.fetch("SELECT hash, salt, successor FROM refresh_tokens")
    stored = {value for row in rows for value in dict(row).values()}
    assert not stored & {first.refresh_token, second.refresh_token}
