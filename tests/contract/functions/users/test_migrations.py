"""Schemas only go forward, and the code of before works on them: during a deploy instances of both run side by side.

The code of before 0002 is kept in before/, as it was.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy

import msgspec
import pytest

from functions.users import sessions, store
from functions.users.apikeys import store as apikeys
from functions.users.model import User
from runtime.database import Database, UniqueViolation
from runtime.database.ids import uuid7
from runtime.database.migrate import MigrationError, migrate
from runtime.http.page import PageQuery
from tests.contract.functions.users.before import sessions as sessions_before
from tests.contract.functions.users.before import store as store_before

FOLDER = Path("functions/users")
LIFETIME = 3_600_000


class Code:
    """The modules of one release that touch the database."""

    def __init__(self, name: str) -> None:
        self.store = store if name == "now" else store_before
        self.sessions = sessions if name == "now" else sessions_before

    async def added(self, database: Database) -> User:
        user_id = uuid7()
        user = User(user_id, "Ann@example.org", f"{user_id}@example.org", "Ann", "user", "hash", 1, 0, 0)
        async with database.write() as connection:
            await self.store.add_user(connection, user)
        return user

    async def begun(self, database: Database, user: User, now: int) -> tuple[str, str]:
        """The session and its token."""
        grant = await self.sessions.begin(database, user, user.password_hash, now)
        assert grant is not None
        return grant.session_id, grant.refresh_token

    async def refreshed(self, database: Database, token: str, now: int) -> str | None:
        grant = await self.sessions.refresh(database, token, now, LIFETIME)
        return grant.refresh_token if grant else None


@pytest.fixture(params=["before", "now"])
def first(request: pytest.FixtureRequest) -> Code:
    return Code(request.param)


@pytest.fixture(params=["before", "now"])
def then(request: pytest.FixtureRequest) -> Code:
    return Code(request.param)


@pytest.fixture
async def old(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """With the schema of before."""
    (tmp_path / "schema").mkdir()
    copy(FOLDER / "schema/0001_users.sql", tmp_path / "schema")
    assert await migrate(database_url, tmp_path) == ["0001_users.sql"]
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def test_one_release_goes_on_with_what_the_other_began(database: Database, first: Code, then: Code) -> None:
    user = await first.added(database)
    session, token = await first.begun(database, user, 0)
    second = await then.refreshed(database, token, 1000)
    assert second is not None
    assert await first.refreshed(database, token, 2000) == second  # its answer was lost
    third = await first.refreshed(database, second, 3000)
    assert third is not None
    assert await then.refreshed(database, token, 4000) is None  # a thief
    assert await first.refreshed(database, third, 5000) is None
    async with database.read() as connection:
        assert await first.store.ended_sessions(connection, 4000) == [session]


async def test_both_releases_at_once_give_one_token_for_one(database: Database, first: Code, then: Code) -> None:
    _, token = await first.begun(database, await then.added(database), 0)
    given = await asyncio.gather(*(code.refreshed(database, token, 1000) for code in [first, then] * 4))
    assert len(set(given)) == 1
    assert given[0] is not None


async def test_the_code_of_before_does_all_it_did_on_the_schema_of_now(database: Database) -> None:
    code = Code("before")
    user = await code.added(database)
    changed = msgspec.structs.replace(user, name="Anna", version=2)
    await code.begun(database, user, 0)
    async with database.write() as connection:
        assert await code.store.change_user(connection, changed)
        await code.store.set_hash(connection, user.id, "hash")
        await code.store.end_sessions(connection, user.id, 1000)
    _, kept = await code.begun(database, changed, 2000)
    async with database.write() as connection:
        assert await store_before.purge(connection, ended_before=1001, unused_since=0) == 1
        assert await code.store.users(connection, PageQuery()) == [changed]
    assert await code.refreshed(database, kept, 3000)
    async with database.write() as connection:
        await code.store.remove_user(connection, user.id)
    assert await code.sessions.begin(database, user, "hash", 4000) is None


async def test_what_was_there_before_is_there_after_it(old: Database, database_url: str) -> None:
    before, now = Code("before"), Code("now")
    user = await before.added(old)
    _, token = await before.begun(old, user, 0)
    second = await before.refreshed(old, token, 1000)
    assert (await migrate(database_url, FOLDER))[0] == "0002_one_unspent_token.sql"
    assert await before.refreshed(old, token, 2000) == second  # an instance that was running all the time
    assert second is not None
    assert await now.refreshed(old, second, 3000)
    async with old.read() as connection:
        assert await store.user(connection, user.id) == user


async def test_rows_that_break_the_new_rule_stop_it_and_stay(old: Database, database_url: str) -> None:
    code = Code("before")
    session, token = await code.begun(old, await code.added(old), 0)
    async with old.write() as connection:
        await code.store.add_token(connection, "a second one", session, 0)
    with pytest.raises(MigrationError, match=r"0002_one_unspent_token\.sql: session_id"):
        await migrate(database_url, FOLDER)
    assert await code.refreshed(old, token, 1000)


async def test_a_release_that_broke_the_new_rule_would_be_noticed_here(database: Database) -> None:
    code = Code("before")
    session, _ = await code.begun(database, await code.added(database), 0)
    with pytest.raises(UniqueViolation):
        async with database.write() as connection:
            await code.store.add_token(connection, "a second one", session, 0)


async def test_the_code_of_before_ends_keys_as_the_sessions_that_they_are_and_spares_those_that_live(
    database: Database,
) -> None:
    code = Code("before")
    user = await code.added(database)
    async with database.write() as connection:
        for key_id in ("ended", "lives"):
            await store.begin_session(connection, key_id, user.id, 1000)
            await apikeys.add(connection, key_id, f"hash of {key_id}", "acme_1", "a name", None)
        await code.store.end_sessions(connection, user.id, 2000, but="lives")
        await store_before.purge(connection, ended_before=2001, unused_since=1000)
    async with database.read() as connection:
        assert await apikeys.by_hash(connection, "hash of ended", 0) is None
        assert await apikeys.by_hash(connection, "hash of lives", 0) is not None
