"""What is there in plenty costs nothing where it is not asked for: it is counted beside few, and beside many."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from functions.users import store
from functions.users.apikeys import store as apikeys
from runtime.database import Connection, Database
from runtime.database.migrate import migrate
from tests.work import steps

FOLDER = Path("functions/users")
NOW, DAY, LIFETIME = 10_000_000_000, 86_400_000, 2_592_000_000
FEW, MANY = 20, 2000

SESSIONS = {  # authenticated_at, ended_at, whether it has a refresh token
    "live": (NOW, None, True),
    "live for long": (NOW - 2 * LIFETIME, None, True),
    "have ended": (NOW, NOW - 1, True),
    "have ended and have no token": (NOW, NOW - 1, False),
}


@asynccontextmanager
async def beside(folder: Path, kind: str, many: int) -> AsyncIterator[Database]:
    """A database with so many sessions of Ann's that no purge removes."""
    url = f"sqlite:///{folder}/{many}.db"
    await migrate(url, FOLDER)
    database = await Database.open(url)
    authenticated, ended, token = SESSIONS[kind]
    async with database.write() as connection:
        for number in range(many):
            await connection.execute(
                "INSERT INTO sessions VALUES ($1, 'ann', $2, $3)", f"{number}", authenticated, ended
            )
            if token:
                await store.add_token(connection, f"{number}", f"{number}", NOW)
    yield database
    await database.close()


async def purge(connection: Connection) -> None:
    assert not await store.purge(connection, ended_before=NOW - DAY, unused_since=NOW - LIFETIME, limit=500)


async def forget(connection: Connection) -> None:
    await apikeys.forget(connection, "ann")


@pytest.mark.parametrize(
    ("does", "kind"),
    [*((purge, kind) for kind in SESSIONS), *((forget, kind) for kind in SESSIONS if kind.startswith("have ended"))],
)
async def test_it_looks_at_none_of_those_that_it_leaves(
    tmp_path: Path, does: Callable[[Connection], Awaitable[None]], kind: str
) -> None:
    """A day's logins of one address are a million, and nobody else writes while a purge looks at them."""
    taken = []
    for many in (FEW, MANY):
        async with beside(tmp_path, kind, many) as database:
            with steps(database) as counted:
                async with database.write() as connection:
                    await does(connection)
            taken.append(counted.taken)
    assert taken[1] <= taken[0] + MANY / 10, taken
