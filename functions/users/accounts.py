"""Accounts over HTTP: made, shown, changed and removed.

In: bodies that are valid, and who is calling. Out: users as their owner, an admin or anyone may see them, under the
headers of caching. The rules are in model.py, the SQL in store.py.
"""

import re

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from functions.users import model, store
from functions.users.apikeys import store as apikeys
from functions.users.dependencies import Asked, Bearer, Caller, Data, Hashing, acting, living_session
from functions.users.model import Changes, NewPassword, NewUser, PrivateUser, PublicProfile
from functions.users.throttle import store as attempts
from functions.users.tokens import digest
from runtime.database import UniqueViolation
from runtime.database.ids import uuid7
from runtime.http.conditional import ETag, shown
from runtime.http.openapi import answers
from runtime.http.page import Page, PageQuery, page
from runtime.http.preconditions import Asking
from runtime.http.problem import FORBIDDEN, NOT_FOUND, PRECONDITION_REQUIRED, Problem
from runtime.identity.authenticated import require_recent, require_role
from runtime.instant import SECOND, now_ms

PUBLIC = {"Cache-Control": "public, max-age=30, stale-while-revalidate=60, stale-if-error=300"}
PRIVATE = {"Cache-Control": "private, no-cache"}


@post("/users", opt=answers({201: PrivateUser}, model.EMAIL_TAKEN, headers=("Location", "ETag", "Cache-Control")))
async def register(request: Asked, data: JSONBody[NewUser], database: Data, passwords: Hashing) -> Response[bytes]:
    """Makes an account."""
    user = model.new_user(uuid7(), data, await passwords.hash(data.password), now_ms())
    try:
        async with database.write() as connection:
            await store.add_user(connection, user)
    except UniqueViolation:
        raise Problem(model.EMAIL_TAKEN) from None
    return shown(request, user.private(), headers={**PRIVATE, "Location": f"/users/{user.id}"}, status=201)


@get("/users", opt=answers({200: Page[PrivateUser]}, FORBIDDEN, query=PageQuery, headers=("ETag", "Cache-Control")))
async def list_users(request: Asked, caller: Caller, database: Data) -> Response[bytes]:
    """Every account, newest first; for admins."""
    require_role(caller, "admin")
    query = PageQuery.read(request.scope["query_string"])
    async with database.single() as connection:
        found = page(await store.users(connection, query), query.limit, lambda user: user.id)
    link = found.next_link("/users", request.scope["query_string"])
    private = Page([user.private() for user in found.items], found.next_cursor)
    return shown(request, private, headers={**PRIVATE, **link})


@get(
    "/users/{user_id:str}",
    opt=answers({200: PublicProfile}, path={"user_id": model.Id}, headers=("ETag", "Cache-Control", "Cache-Groups")),
)
async def show_profile(request: Asked, user_id: FromPath[str], database: Data) -> Response[bytes]:
    """What anyone may see of a user."""
    if not re.fullmatch(model.ID, user_id):
        raise Problem(NOT_FOUND)  # nor could PostgreSQL be asked for text with a NUL in it
    async with database.single() as connection:
        user = await store.user(connection, user_id)
    if user is None:
        raise Problem(NOT_FOUND)
    return shown(request, user.public(), headers={**PUBLIC, "Cache-Groups": model.cache_group(user.id)})


@get("/users/me", opt=answers({200: PrivateUser}, headers=("ETag", "Cache-Control")))
async def show_me(request: Asked, caller: Caller) -> Response[bytes]:
    """The caller's own account."""
    return shown(request, caller.private(), headers=PRIVATE)


@patch(
    "/users/me",
    opt=answers(
        {200: PrivateUser},
        *(model.EMAIL_TAKEN, PRECONDITION_REQUIRED),
        takes={"If-Match": ETag},
        headers=("ETag", "Cache-Control", "Cache-Group-Invalidation"),
    ),
)
async def change_me(
    request: Asked, data: JSONBody[Changes], principal: Bearer, database: Data, conditions: Asking
) -> Response[bytes]:
    """Changes the caller's name or email, if nobody else did meanwhile; the email only after a recent login."""
    if data.email is not msgspec.UNSET:
        require_recent(principal, now_ms() / SECOND)
    if conditions.if_match is None:
        raise Problem(PRECONDITION_REQUIRED)
    try:
        async with database.write() as connection:
            caller = await acting(connection, principal)
            conditions.require(caller.private())
            changed = caller.changed(data, now_ms())
            await store.change_user(connection, changed)
    except UniqueViolation:
        raise Problem(model.EMAIL_TAKEN) from None
    return shown(request, changed.private(), headers={**PRIVATE, **_invalidating(changed.id)})


@put("/users/me/password", status_code=204, opt=answers({204: None}, headers=("Cache-Group-Invalidation",)))
async def change_password(
    data: JSONBody[NewPassword], principal: Bearer, caller: Caller, database: Data, passwords: Hashing
) -> Response[None]:
    """Sets another password and ends every other session, and every API key: a thief may have made one."""
    require_recent(principal, now_ms() / SECOND)
    password_hash = await passwords.hash(data.password)  # takes its time, in which the session may end
    async with database.write() as connection:
        await acting(connection, principal)
        await store.set_hash(connection, caller.id, password_hash)
        await store.end_sessions(connection, caller.id, now_ms(), but=principal.session)
    return Response(None, headers=_invalidating(caller.id))


@delete("/users/me", status_code=204, opt=answers({204: None}, headers=("Cache-Group-Invalidation",)))
async def remove_me(principal: Bearer, database: Data, conditions: Asking) -> Response[None]:
    """Removes the caller's account and ends its sessions and API keys.

    Once more is as good as once, so that a lost answer can be asked for again, until the gateways refuse the token.
    """
    require_recent(principal, now_ms() / SECOND)
    async with database.write() as connection:
        await store.hold_user(connection, principal.id)
        if await store.user(connection, principal.id) is not None:
            leaver = await living_session(connection, principal)
            conditions.require(leaver.private())
            await attempts.forget(connection, digest(leaver.email_key))
            await store.remove_user(connection, principal.id)
            await apikeys.forget(connection, principal.id)
            await store.end_sessions(connection, principal.id, now_ms())
    return Response(None, headers=_invalidating(principal.id))


def _invalidating(user_id: str) -> dict[str, str]:
    """RFC 9875, section 3: caches forget what they hold of this user."""
    return {"Cache-Group-Invalidation": model.cache_group(user_id)}


HANDLERS = [register, list_users, show_profile, show_me, change_me, change_password, remove_me]
