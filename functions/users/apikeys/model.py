"""API keys: what is asked, what is shown, and what a key looks like.

Pure. A key speaks for its owner until it is ended or expires, and is a session: what ends sessions ends keys.
"""

from typing import Annotated

import msgspec

from functions.users.model import Id, Name
from runtime.http.problem import Kind
from runtime.instant import Instant

PREFIX = "portico_"  # by which gateways, and those who look for leaked secrets, know a key; the manifest says it, too
MOST = 20  # keys of one user

TOO_MANY_KEYS = Kind("too-many-keys", 409, "Too many keys", f"You have {MOST} keys; end one before you make another.")

_SHORTEST, _LONGEST = 60, 10 * 366 * 24 * 3600  # seconds that a key which expires may live
_SHOWN = len(PREFIX) + 6  # characters: 36 of 256 bits, and 220 are left to guess
_EXAMPLE = f"{PREFIX}GkV3Q2xkT0pYb1h6T0F3c0d5VnR1Y2xkT0pYb1hTTzE"


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /users/me/keys; `expires_in` is in seconds, and a key without it lives until it is ended."""

    name: Name
    expires_in: Annotated[int, msgspec.Meta(ge=_SHORTEST, le=_LONGEST)] | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """What its owner sees of a key. `last_used_at` is late by a quarter of an hour at most: as long as tokens live."""

    id: Id
    name: Name
    prefix: Annotated[str, msgspec.Meta(examples=[_EXAMPLE[:_SHOWN]])]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None


class ApiKeys(msgspec.Struct, frozen=True):
    """What GET /users/me/keys answers, newest first."""

    items: list[ApiKey]


class MadeKey(ApiKey, frozen=True):
    """A key that was made, whole: shown this once."""

    key: Annotated[str, msgspec.Meta(examples=[_EXAMPLE])]


class Swapped(msgspec.Struct, frozen=True):
    """What a gateway gets for a key; `expires_in` is in seconds."""

    access_token: str
    expires_in: int


def prefix(key: str) -> str:
    """What may be shown of it again."""
    return key[:_SHOWN]
