"""What handlers of users are given by name: whatever the lifespan opened, and who is calling.

A handler says `database: Data`; Litestar looks up `database` among these.
"""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide

from functions.users import store
from functions.users.model import User
from functions.users.passwords import Passwords
from functions.users.tokens import Issuer
from runtime.database import Connection, Database
from runtime.http.api import given
from runtime.identity.authenticated import principal
from runtime.identity.verifier import Principal, invalid

Asked = Request[Any, Any, State]
Data = NamedDependency[Database]
Hashing = NamedDependency[Passwords]
Issuing = NamedDependency[Issuer]
Bearer = NamedDependency[Principal]
Caller = NamedDependency[User]


async def caller(principal: Bearer, database: Data) -> User:
    """A dependency: whose token it is. Raises Problem unauthenticated once the session has ended."""
    async with database.single() as connection:
        return await living_session(connection, principal)


async def living_session(connection: Connection, principal: Principal) -> User:
    """Whose session it is. Raises Problem unauthenticated once it has ended."""
    user = await store.user_of_session(connection, principal.session)
    if user is None:
        raise invalid("its session has ended", "The session has ended.")
    return user


async def acting(connection: Connection, principal: Principal) -> User:
    """Whose session it is, in the transaction that acts for it. Raises Problem unauthenticated once it has ended.

    Whoever would act for the same user meanwhile waits: so of two sessions that end each other, one still can.
    """
    await store.hold_user(connection, principal.id)
    return await living_session(connection, principal)


OPENED = ("database", "passwords", "keys", "issuer", "verifier", "options")
DEPENDENCIES = {name: given(name) for name in OPENED} | {"principal": Provide(principal), "caller": Provide(caller)}
