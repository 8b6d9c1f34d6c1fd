"""Users, sessions and refresh tokens in the database: one SQL text for PostgreSQL and SQLite.

In: an open transaction of `Database.read` or `Database.write`. Out: structs of the model. It decides nothing, commits
nothing, and sees of tokens and passwords only their hashes.
"""

from collections.abc import Sequence

import msgspec

from functions.users.model import Presented, User
from runtime.database import Connection, Row
from runtime.http.page import PageQuery

_MAX_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"  # RFC 9562, section 5.10: no id sorts behind it

# Each column by its name: the plan of a `*` breaks when a migration adds one.
_SELECT = """
    SELECT u.id, u.email, u.email_key, u.name, u.role, u.password_hash, u.version, u.created_at, u.updated_at
    FROM users AS u
"""
_BY_ID = _SELECT + "WHERE u.id = $1"
_BY_EMAIL = _SELECT + "WHERE u.email_key = $1"
_OF_SESSION = _SELECT + "JOIN sessions AS s ON s.user_id = u.id WHERE s.id = $1 AND s.ended_at IS NULL"
_EMAILS = "SELECT email_key FROM users ORDER BY id DESC LIMIT $1"
_PAGE = _SELECT + "WHERE u.id < $1 ORDER BY u.id DESC LIMIT $2"

_ADD = """
    INSERT INTO users (id, email, email_key, name, role, password_hash, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_CHANGE = """
    UPDATE users SET email = $3, email_key = $4, name = $5, role = $6, version = $7, updated_at = $8
    WHERE id = $1 AND version = $2
"""

# Holds the user's row to the end of the transaction: what is decided of a user then holds when it is written.
_HOLD = "UPDATE users SET version = version WHERE id = $1"

_BEGIN = "INSERT INTO sessions (id, user_id, authenticated_at) VALUES ($1, $2, $3)"

_ADD_REFRESH = "INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES ($1, $2, $3)"

# Holds the session's row to the end of the transaction, so that no two turn over its tokens, or end it, at once.
_LOCK = """
    UPDATE sessions SET authenticated_at = authenticated_at
    WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1)
"""

_PRESENTED = """
    SELECT t.session_id, s.authenticated_at, s.ended_at, t.created_at, t.spent_at, t.salt,
           successor.spent_at AS successor_spent_at
    FROM refresh_tokens AS t
    JOIN sessions AS s ON s.id = t.session_id
    LEFT JOIN refresh_tokens AS successor ON successor.hash = t.successor
    WHERE t.hash = $1
"""

_SPEND = "UPDATE refresh_tokens SET spent_at = $2, salt = $3, successor = $4 WHERE hash = $1"

_END_SESSION = "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"

_END_SESSIONS = "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL"

# A batch of them: there may be any number from before there was a bound.
_END_OLDER = """
    UPDATE sessions SET ended_at = $2 WHERE id IN (
        SELECT s.id FROM sessions AS s
        WHERE s.user_id = $1 AND s.ended_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM api_keys AS k WHERE k.session_id = s.id)
        ORDER BY s.id DESC LIMIT 100 OFFSET $3
    )
"""

# A purge looks at no more rows than it may remove, the oldest, by an index: else all others would be looked at in each
# of its transactions, while nobody else may write.
# Of a session whose unspent token is too old none can be used: it ended when that token was as old as it may be.
_END_UNUSED = """
    UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND id IN (
        SELECT t.session_id FROM (
            SELECT session_id, spent_at FROM refresh_tokens WHERE created_at < $1 ORDER BY created_at LIMIT $2
        ) AS t WHERE t.spent_at IS NULL
    )
"""

# An unspent one stays until its session has ended: it is what tells that it is over.
_PURGE_AGED = """
    DELETE FROM refresh_tokens WHERE hash IN (
        SELECT t.hash FROM (
            SELECT hash, session_id, spent_at FROM refresh_tokens WHERE created_at < $1 ORDER BY created_at LIMIT $2
        ) AS t JOIN sessions AS s ON s.id = t.session_id WHERE t.spent_at IS NOT NULL OR s.ended_at IS NOT NULL
    )
"""

_OLDEST_ENDED = "SELECT id FROM sessions WHERE ended_at < $1 ORDER BY ended_at, id LIMIT $2"

_PURGE_ENDED = f"""
    DELETE FROM refresh_tokens WHERE hash IN (
        SELECT t.hash FROM ({_OLDEST_ENDED}) AS s JOIN refresh_tokens AS t ON t.session_id = s.id LIMIT $2
    )
"""  # noqa: S608  a constant

# Only without tokens: so it removes the rows that it names, and no unknown number of others with them.
_PURGE_SESSIONS = f"""
    DELETE FROM sessions WHERE id IN (
        SELECT s.id FROM ({_OLDEST_ENDED}) AS s
        WHERE NOT EXISTS (SELECT 1 FROM refresh_tokens AS t WHERE t.session_id = s.id)
    )
"""  # noqa: S608  a constant

_PURGE_EXPIRED = """
    DELETE FROM sessions WHERE id IN (
        SELECT session_id FROM api_keys WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
    )
"""

_LIVING = """
    SELECT s.id, s.authenticated_at FROM sessions AS s
    WHERE s.user_id = $1 AND s.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM api_keys AS k WHERE k.session_id = s.id)
    ORDER BY s.id DESC LIMIT 100
"""

# Hashes end in a salt and a tag of one length; what is shorter is none. It looks at every row: at a start, no oftener.
_PARAMETERS = """
    SELECT DISTINCT substr(password_hash, 1, length(password_hash) - $1) AS parameters FROM users
    WHERE length(password_hash) > $1
"""

# Behind one that was told already: by two columns, as many may have ended in one millisecond. That it is no earlier
# than $1 either is left out: SQLite would then read from there, page after page.
_ENDED = """
    SELECT id FROM sessions
    WHERE (ended_at, id) > (coalesce((SELECT ended_at FROM sessions WHERE id = $2), $1), $2)
    ORDER BY ended_at, id LIMIT $3
"""


async def user(connection: Connection, user_id: str) -> User | None:
    """The user with this id."""
    return _user(await connection.fetch_one(_BY_ID, user_id))


async def user_by_email(connection: Connection, key: str) -> User | None:
    """The user whose email compares equal."""
    return _user(await connection.fetch_one(_BY_EMAIL, key))


async def user_of_session(connection: Connection, session_id: str) -> User | None:
    """Whose session it is, while it lives."""
    return _user(await connection.fetch_one(_OF_SESSION, session_id))


async def users(connection: Connection, query: PageQuery) -> list[User]:
    """Newest first; one more than `query` asks for, if there is one."""
    rows = await connection.fetch(_PAGE, query.cursor or _MAX_ID, query.limit + 1)
    return [User(**dict(row)) for row in rows]


async def hold_user(connection: Connection, user_id: str) -> None:
    """Has everybody else who would change this user, or what is the user's, wait until this transaction ends."""
    await connection.execute(_HOLD, user_id)


async def emails(connection: Connection, most: int) -> list[str]:
    """Of the newest users, as they are compared."""
    return [str(row["email_key"]) for row in await connection.fetch(_EMAILS, most)]


async def add_user(connection: Connection, new: User) -> None:
    """Raises UniqueViolation for an email that is taken."""
    await connection.execute(_ADD, *msgspec.structs.astuple(new))


async def change_user(connection: Connection, new: User) -> bool:
    """Whether `new` follows on what is stored. Raises UniqueViolation for an email that is taken."""
    values = (new.email, new.email_key, new.name, new.role, new.version, new.updated_at)
    return await connection.execute(_CHANGE, new.id, new.version - 1, *values) == 1


async def set_hash(connection: Connection, user_id: str, password_hash: str) -> None:
    """Sets another password."""
    await connection.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash)


async def hash_parameters(connection: Connection, rest: int) -> list[str]:
    """How the hashes in use begin, without the `rest` of their characters."""
    return [row["parameters"] for row in await connection.fetch(_PARAMETERS, rest)]


async def replace_hash(connection: Connection, of: User, password_hash: str) -> bool:
    """Whether the password was still that of `of`; it cannot change then until this transaction ends."""
    sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"
    return await connection.execute(sql, of.id, of.password_hash, password_hash) == 1


async def remove_user(connection: Connection, user_id: str) -> None:
    """Removes the user; sessions stay."""
    await connection.execute("DELETE FROM users WHERE id = $1", user_id)


async def begin_session(connection: Connection, session_id: str, user_id: str, now: int) -> None:
    """A session without any token yet."""
    await connection.execute(_BEGIN, session_id, user_id, now)


async def end_session(connection: Connection, session_id: str, now: int) -> None:
    """Ends a session, unless it has ended already."""
    await connection.execute(_END_SESSION, session_id, now)


async def end_sessions(connection: Connection, user_id: str, now: int, *, but: str = "") -> None:
    """All of the user's sessions, except `but`."""
    await connection.execute(_END_SESSIONS, user_id, but, now)


async def end_older(connection: Connection, user_id: str, now: int, kept: int) -> None:
    """Those of the user's sessions that are older than the newest `kept`, keys apart; a hundred of them at most."""
    await connection.execute(_END_OLDER, user_id, now, kept)


async def living_sessions(connection: Connection, user_id: str) -> Sequence[Row]:
    """The user's newest sessions but keys, a hundred at most: `id` and `authenticated_at`."""
    return await connection.fetch(_LIVING, user_id)


async def owns_session(connection: Connection, user_id: str, session_id: str) -> bool:
    """Whether the session is, or was, the user's."""
    sql = "SELECT 1 AS one FROM sessions WHERE id = $1 AND user_id = $2"
    return await connection.fetch_one(sql, session_id, user_id) is not None


async def ended_sessions(connection: Connection, since: int, after: str = "", *, limit: int = 1000) -> list[str]:
    """The ids of sessions that ended at `since` or later, in that order: `limit` at most, behind `after` among them."""
    return [row["id"] for row in await connection.fetch(_ENDED, since, after, limit)]


async def add_token(connection: Connection, token_hash: str, session_id: str, now: int) -> None:
    """A token that nobody has spent."""
    await connection.execute(_ADD_REFRESH, token_hash, session_id, now)


async def present_token(connection: Connection, token_hash: str) -> Presented | None:
    """What is known of the token; its session stays as it is until this transaction ends."""
    await connection.execute(_LOCK, token_hash)
    row = await connection.fetch_one(_PRESENTED, token_hash)
    return None if row is None else Presented(**dict(row))


async def spend_token(connection: Connection, token_hash: str, salt: str, successor: str, now: int) -> None:
    """`successor` is the digest of what it is spent for."""
    await connection.execute(_SPEND, token_hash, now, salt, successor)


async def purge(connection: Connection, *, ended_before: int, unused_since: int, limit: int) -> int:
    """Removes what can be of no use any more, at most `limit` rows of each kind; how many rows that were."""
    await connection.execute(_END_UNUSED, unused_since, limit)
    return (
        await connection.execute(_PURGE_AGED, unused_since, limit)
        + await connection.execute(_PURGE_ENDED, ended_before, limit)
        + await connection.execute(_PURGE_SESSIONS, ended_before, limit)
        + await connection.execute(_PURGE_EXPIRED, ended_before, limit)
    )


def _user(row: Row | None) -> User | None:
    return None if row is None else User(**dict(row))
