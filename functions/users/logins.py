"""Logins over HTTP: a password or a refresh token in, a pair of tokens out; and the keys that others check them with.

No answer here may be kept by any cache, and none tells whether an email has an account. A session's life is in
sessions.py.
"""

import re
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from functions.users import model, sessions, store
from functions.users.dependencies import Asked, Bearer, Data, Hashing, Issuing, acting
from functions.users.keys import Keys, KeySet
from functions.users.model import Credentials, RefreshRequest, Session, Sessions, TokenPair
from functions.users.sessions import Grant
from functions.users.settings import Settings
from functions.users.throttle import store as attempts
from functions.users.tokens import Issuer, digest
from runtime.http.conditional import shown, tagged
from runtime.http.network import network
from runtime.http.openapi import answers
from runtime.http.problem import NOT_FOUND, QUOTA_EXCEEDED, Kind, Problem
from runtime.http.validation import convert
from runtime.instant import SECOND, now_ms, rfc3339

SECRET = {"Cache-Control": "no-store"}
KEY_SET = "application/jwk-set+json"

PAGE = 5000  # sessions that a gateway is told of in one answer
OVERLAP = 15 * SECOND  # a transaction commits later than the moment that it writes down, but never by this much


class EndedQuery(msgspec.Struct, frozen=True):
    """What GET /sessions/ended may be asked for."""

    since: int = 0
    after: Annotated[str, msgspec.Meta(pattern=rf"^(?:{model.ID})?\Z")] = ""


class Ended(msgspec.Struct, frozen=True):
    """Sessions whose tokens are to be refused, what to ask for next time, and how many seconds a token may live.

    `after`: more of them ended, which are told behind this one; "" on the last page.
    """

    sessions: list[str]
    since: int
    lifetime: int
    after: str = ""


@post("/sessions", opt=answers({201: TokenPair}, model.BAD_CREDENTIALS, headers=("Location", "Cache-Control")))
async def log_in(
    request: Asked, data: JSONBody[Credentials], database: Data, passwords: Hashing, issuer: Issuing
) -> Response[TokenPair]:
    """Begins a session. The same answer after the same work, whether or not the email is known."""
    passwords.require_room()
    account, here = digest(data.email.key), _network(request)
    async with database.write() as connection:
        if wait := await attempts.take(connection, account, here, now_ms()):
            raise Problem(QUOTA_EXCEEDED, retry_after=wait / SECOND, members={"violated-policies": ["logins"]})
        user = await store.user_by_email(connection, data.email.key)
    matched = await passwords.matches(data.password, user.password_hash if user else None)
    if user is None or not matched:
        raise _refused(model.BAD_CREDENTIALS)
    async with database.write() as connection:
        await attempts.give_back(connection, account, here, now_ms())
    outdated = passwords.outdated(user.password_hash)
    password_hash = await passwords.hash(data.password) if outdated else user.password_hash
    return _pair(await sessions.begin(database, user, password_hash, now_ms()), model.BAD_CREDENTIALS, issuer)


@post("/sessions/refresh", opt=answers({201: TokenPair}, model.SESSION_REVOKED, headers=("Location", "Cache-Control")))
async def refresh(
    data: JSONBody[RefreshRequest], database: Data, issuer: Issuing, options: NamedDependency[Settings]
) -> Response[TokenPair]:
    """A new pair for a refresh token."""
    lifetime = int(options.refresh_lifetime * SECOND)
    grant = await sessions.refresh(database, data.refresh_token, now_ms(), lifetime)
    return _pair(grant, model.SESSION_REVOKED, issuer)


@delete("/sessions/current", status_code=204, opt=answers({204: None}))
async def log_out(principal: Bearer, database: Data) -> None:
    """Ends the caller's session; once more is as good as once, so that a lost answer can be asked for again."""
    async with database.write() as connection:
        await store.end_session(connection, principal.session, now_ms())


@get("/sessions", opt=answers({200: Sessions}, headers=("Cache-Control",)))
async def list_sessions(request: Asked, principal: Bearer, database: Data) -> Response[bytes]:
    """The caller's sessions that live: where somebody else got in, it shows here."""
    async with database.single() as connection:
        rows = await store.living_sessions(connection, principal.id)
    items = [Session(row["id"], rfc3339(row["authenticated_at"]), row["id"] == principal.session) for row in rows]
    return shown(request, Sessions(items), headers=SECRET)


@delete(
    "/sessions/{session_id:str}",
    status_code=204,
    opt=answers({204: None}, NOT_FOUND, path={"session_id": model.Id}),
)
async def end_session(session_id: FromPath[str], principal: Bearer, database: Data) -> None:
    """Ends one of the caller's sessions; once more is as good as once."""
    if not re.fullmatch(model.ID, session_id):
        raise Problem(NOT_FOUND)  # nor could PostgreSQL be asked for text with a NUL in it
    async with database.write() as connection:
        if session_id != principal.session:  # who ends itself may ask again: the answer may have been lost
            await acting(connection, principal)
        if not await store.owns_session(connection, principal.id, session_id):
            raise Problem(NOT_FOUND)
        await store.end_session(connection, session_id, now_ms())


@get("/sessions/ended")
async def list_ended(request: Asked, database: Data, issuer: Issuing) -> Response[bytes]:
    """Sessions that ended since a moment (milliseconds since the epoch), while their tokens live.

    For gateways only: the manifest names it, and has no such route. An ended session may be listed twice, but is
    never missed, however many ended at once: who gets a page with `after` asks for the next one with that.
    """
    query = convert(dict(request.query_params), EndedQuery, strict=False)
    now = now_ms()
    since = max(query.since, now - issuer.lifetime * SECOND - OVERLAP)
    async with database.single() as connection:
        ended = await store.ended_sessions(connection, since, query.after, limit=PAGE)
    after = ended[-1] if len(ended) == PAGE else ""
    return shown(request, Ended(ended, now - OVERLAP, issuer.lifetime, after), headers=SECRET)


@get("/.well-known/jwks.json", opt=answers({200: KeySet}, headers=("ETag", "Cache-Control"), media_type=KEY_SET))
async def show_keys(request: Asked, keys: NamedDependency[Keys]) -> Response[bytes]:
    """The public keys. Not to be reused without asking: who sees a kid that is new comes here for it."""
    return tagged(request, keys.jwks, headers={"Cache-Control": "no-cache"}, media_type=KEY_SET)


def _network(request: Asked) -> str:
    """Where it comes from, as the gateway says it: nobody else reaches this function, and it believes no client."""
    client = request.scope["client"]
    return network(request.headers.get("x-forwarded-for") or (client[0] if client else ""))


def _refused(kind: Kind) -> Problem:
    return Problem(kind, headers=[(b"www-authenticate", b"Bearer")])


def _pair(grant: Grant | None, otherwise: Kind, issuer: Issuer) -> Response[TokenPair]:
    if grant is None:
        raise _refused(otherwise)
    access_token = issuer.issue(grant.user, grant.session_id, grant.authenticated_at, now_ms())
    pair = TokenPair(access_token=access_token, expires_in=issuer.lifetime, refresh_token=grant.refresh_token)
    return Response(pair, headers={**SECRET, "Location": f"/sessions/{grant.session_id}"})


HANDLERS = [log_in, refresh, log_out, list_sessions, end_session, list_ended, show_keys]
