"""Attempts to log in, in the database: so all instances count together, and a restart forgives nobody.

In: an open transaction of `Database.write`, an account and a network. Out: how long to wait. It sees neither passwords
nor whether the account exists: for one that does not, all is the same.
"""

from functions.users.throttle.decision import KNOWN, Tried, verdict
from runtime.database import Connection

ANYWHERE = ""  # the network under which those are counted that the account does not know

# Holds the row to the end of the transaction, so that nobody tries two passwords with one permit.
_HOLD = """
    INSERT INTO login_attempts AS held (account, network, full_at, known_until) VALUES ($1, $2, 0, 0)
    ON CONFLICT (account, network) DO UPDATE SET full_at = held.full_at
    RETURNING full_at, known_until
"""

_SET = "UPDATE login_attempts SET full_at = $3, known_until = $4 WHERE account = $1 AND network = $2"

_FORGET = "DELETE FROM login_attempts WHERE account = $1"

_PURGE = """
    DELETE FROM login_attempts WHERE (account, network) IN (
        SELECT account, network FROM login_attempts WHERE known_until < $1 AND full_at < $1 LIMIT $2
    )
"""


async def take(connection: Connection, account: str, network: str, now: int) -> int:
    """Milliseconds to wait before another password may be tried; 0 where one may, which is counted as wrong."""
    here, anywhere = await _held(connection, account, network), await _held(connection, account, ANYWHERE)
    found = verdict(Tried(here[0], anywhere[0], here[1]), now)
    if not found.wait:
        await connection.execute(_SET, account, network, found.tried.here, here[1])
        await connection.execute(_SET, account, ANYWHERE, found.tried.elsewhere, 0)
    return found.wait


async def give_back(connection: Connection, account: str, network: str, now: int) -> None:
    """It was right: the network is known from now on, and what was tried from there is forgotten."""
    await connection.execute(_SET, account, network, 0, now + KNOWN)


async def forget(connection: Connection, account: str) -> None:
    """All that was tried, and from where."""
    await connection.execute(_FORGET, account)


async def purge(connection: Connection, now: int, limit: int) -> int:
    """Removes rows that say no more than no row would, at most `limit`; how many that were."""
    return await connection.execute(_PURGE, now, limit)


async def _held(connection: Connection, account: str, network: str) -> tuple[int, int]:
    row = await connection.fetch_one(_HOLD, account, network)
    assert row is not None
    return row["full_at"], row["known_until"]
