"""A session's life: begun by a login, carried on by refresh tokens that are spent one for the next, ended.

In: the database, the time, and a token that someone presents. Out: whom to issue tokens to, or None for nobody. Of all
tokens of a session there is at most one unspent, and who presents a spent one too late ends the session (RFC 9700,
section 4.14.2).
"""

import msgspec

from functions.users import store
from functions.users.model import User, Verdict
from functions.users.tokens import digest, random_token, successor
from runtime.database import Connection, Database
from runtime.database.ids import uuid7

MOST = 1000  # sessions of one user that live at once


class Grant(msgspec.Struct, frozen=True):
    """What tokens may be issued for."""

    user: User
    session_id: str
    authenticated_at: int
    refresh_token: str


async def begin(database: Database, user: User, password_hash: str, now: int) -> Grant | None:
    """A new session of `user`, who has just shown the password that goes with the hash in `user`.

    It is kept as `password_hash` from now on. None if there is another password meanwhile, or no such user any more: a
    session that began with the old one would outlive the change. Of more sessions than MOST the oldest ends: all have
    to end at once when their user wants it.
    """
    session_id, token = uuid7(), random_token()
    async with database.write() as connection:
        if not await store.replace_hash(connection, user, password_hash):
            return None
        await store.begin_session(connection, session_id, user.id, now)
        await store.end_older(connection, user.id, now, MOST)
        await store.add_token(connection, digest(token), session_id, now)
    return Grant(user, session_id, now, token)


async def refresh(database: Database, token: str, now: int, lifetime: int) -> Grant | None:
    """What `token` is good for. `lifetime` is how long a token may lie unused, in milliseconds."""
    async with database.write() as connection:
        presented = await store.present_token(connection, digest(token))
        if presented is None:
            return None
        match presented.verdict(now, lifetime):
            case Verdict.FIRST:
                following = await _spend(connection, token, presented.session_id, now)
            case Verdict.AGAIN:
                following = successor(token, presented.salt or "")
            case Verdict.OVER:
                return None
            case Verdict.REUSED:
                await store.end_session(connection, presented.session_id, now)
                return None
        user = await store.user_of_session(connection, presented.session_id)
    return None if user is None else Grant(user, presented.session_id, presented.authenticated_at, following)


async def _spend(connection: Connection, token: str, session_id: str, now: int) -> str:
    salt = random_token()
    following = successor(token, salt)
    await store.spend_token(connection, digest(token), salt, digest(following), now)
    await store.add_token(connection, digest(following), session_id, now)
    return following
