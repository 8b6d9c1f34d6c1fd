"""API keys in the database, beside the sessions that they are: one SQL text for PostgreSQL and SQLite.

In: an open transaction of `Database.read` or `Database.write`. Out: rows. It commits nothing, and sees of keys only
their hashes and what is shown of them. That a key ends is the session's affair: see store.py of users.
"""

from collections.abc import Sequence

from runtime.database import Connection, Row

_ADD = "INSERT INTO api_keys (session_id, hash, prefix, name, expires_at) VALUES ($1, $2, $3, $4, $5)"

_OF_USER = """
    SELECT k.session_id, k.name, k.prefix, s.authenticated_at, k.expires_at, k.used_at
    FROM sessions AS s JOIN api_keys AS k ON k.session_id = s.id
    WHERE s.user_id = $1 AND s.ended_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) ORDER BY s.id DESC
"""

_OWNS = (
    "SELECT 1 AS one FROM sessions AS s JOIN api_keys AS k ON k.session_id = s.id WHERE s.id = $1 AND s.user_id = $2"
)

_BY_HASH = """
    SELECT session_id, expires_at, used_at FROM api_keys
    WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)
"""

_USED = "UPDATE api_keys SET used_at = $2 WHERE session_id = $1"

# Those that live: of a user's sessions that ended there may be any number, and their keys go with them, a day later.
_FORGET = "DELETE FROM api_keys WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL)"


async def add(
    connection: Connection, session_id: str, key_hash: str, prefix: str, name: str, expires_at: int | None
) -> None:
    """Makes the session a key."""
    await connection.execute(_ADD, session_id, key_hash, prefix, name, expires_at)


async def of_user(connection: Connection, user_id: str, now: int) -> Sequence[Row]:
    """Those that live, newest first: `session_id`, `name`, `prefix`, `authenticated_at`, `expires_at`, `used_at`."""
    return await connection.fetch(_OF_USER, user_id, now)


async def owns(connection: Connection, user_id: str, key_id: str) -> bool:
    """Whether it is a key, and is or was the user's."""
    return await connection.fetch_one(_OWNS, key_id, user_id) is not None


async def by_hash(connection: Connection, key_hash: str, now: int) -> Row | None:
    """Whether it has been ended or not, but not once it has expired: `session_id`, `expires_at`, `used_at`."""
    return await connection.fetch_one(_BY_HASH, key_hash, now)


async def used(connection: Connection, key_id: str, now: int) -> None:
    """Notes when."""
    await connection.execute(_USED, key_id, now)


async def forget(connection: Connection, user_id: str) -> None:
    """What is known of a user's keys that live; the sessions that they are stay, to be told as ended."""
    await connection.execute(_FORGET, user_id)
