"""API keys over HTTP: made, listed and ended by their owners, and swapped for short tokens by gateways.

In: who is calling, or a key. Out: the key, once; from then on its prefix. A key never reaches a function: what it is
swapped for is a token like any other, but of no recent login, so that a key makes no keys and changes no password.
"""

import math
import re

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from functions.users import model
from functions.users import store as sessions
from functions.users.apikeys import store
from functions.users.apikeys.model import (
    MOST,
    PREFIX,
    TOO_MANY_KEYS,
    ApiKey,
    ApiKeys,
    MadeKey,
    NewKey,
    Swapped,
    prefix,
)
from functions.users.dependencies import Asked, Bearer, Data, Issuing, acting
from functions.users.tokens import digest, random_token
from runtime.database import Row
from runtime.database.ids import uuid7
from runtime.http.conditional import shown
from runtime.http.openapi import answers
from runtime.http.problem import NOT_FOUND, Problem
from runtime.identity.authenticated import require_recent
from runtime.identity.verifier import bearer, invalid
from runtime.instant import SECOND, now_ms, rfc3339

SECRET = {"Cache-Control": "no-store"}
NEVER = 0  # when who calls with a key logged in
NOTED = 60 * SECOND  # between two notes of when a key was used


@post("/users/me/keys", opt=answers({201: MadeKey}, TOO_MANY_KEYS, headers=("Location", "Cache-Control")))
async def make_key(request: Asked, data: JSONBody[NewKey], principal: Bearer, database: Data) -> Response[bytes]:
    """Makes an API key, after a recent login; the answer is the only one that shows it."""
    now = now_ms()
    require_recent(principal, now / SECOND)
    key_id, key = uuid7(), PREFIX + random_token()
    expires = None if data.expires_in is None else now + data.expires_in * SECOND
    async with database.write() as connection:
        user = await acting(connection, principal)
        if len(await store.of_user(connection, user.id, now)) >= MOST:
            raise Problem(TOO_MANY_KEYS)
        await sessions.begin_session(connection, key_id, user.id, now)
        await store.add(connection, key_id, digest(key), prefix(key), data.name, expires)
    made = MadeKey(key_id, data.name, prefix(key), rfc3339(now), _moment(expires), None, key)
    return shown(request, made, headers={**SECRET, "Location": f"/users/me/keys/{key_id}"}, status=201)


@get("/users/me/keys", opt=answers({200: ApiKeys}, headers=("Cache-Control",)))
async def list_keys(request: Asked, principal: Bearer, database: Data) -> Response[bytes]:
    """The caller's keys that live, by what may be shown of them."""
    async with database.single() as connection:
        rows = await store.of_user(connection, principal.id, now_ms())
    return shown(request, ApiKeys([_key(row) for row in rows]), headers=SECRET)


@delete("/users/me/keys/{key_id:str}", status_code=204, opt=answers({204: None}, NOT_FOUND, path={"key_id": model.Id}))
async def end_key(key_id: FromPath[str], principal: Bearer, database: Data) -> None:
    """Ends one of the caller's keys; once more is as good as once."""
    if not re.fullmatch(model.ID, key_id):
        raise Problem(NOT_FOUND)  # nor could PostgreSQL be asked for text with a NUL in it
    async with database.write() as connection:
        if key_id != principal.session:  # who ends itself may ask again: the answer may have been lost
            await acting(connection, principal)
        if not await store.owns(connection, principal.id, key_id):
            raise Problem(NOT_FOUND)
        await sessions.end_session(connection, key_id, now_ms())


@get("/keys/token")
async def swap_key(request: Asked, database: Data, issuer: Issuing) -> Response[bytes]:
    """An access token of the owner, for a key that comes as a bearer token.

    For gateways only: the manifest names it, and has no such route. Nothing is to be had here but what a key gives.
    """
    authorization = request.headers.get("authorization")
    key = bearer(None if authorization is None else authorization.encode("latin-1"))
    now = now_ms()
    async with database.read() as connection:
        found = await store.by_hash(connection, digest(key), now)
        user = await sessions.user_of_session(connection, found["session_id"]) if found else None
    if found is None or user is None:
        raise invalid("no such API key, or it has ended")
    if now - (found["used_at"] or 0) >= NOTED:
        async with database.write() as connection:
            await store.used(connection, found["session_id"], now)
    lifetime = issuer.lifetime
    if found["expires_at"] is not None:
        lifetime = min(lifetime, math.ceil((found["expires_at"] - now) / SECOND))
    token = issuer.issue(user, found["session_id"], NEVER, now, lifetime)
    return shown(request, Swapped(token, lifetime), headers=SECRET)


def _key(row: Row) -> ApiKey:
    made, expires, used = rfc3339(row["authenticated_at"]), _moment(row["expires_at"]), _moment(row["used_at"])
    return ApiKey(row["session_id"], row["name"], row["prefix"], made, expires, used)


def _moment(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)


HANDLERS = [make_key, list_keys, end_key, swap_key]
