"""Users: what is asked, what is stored, what is shown, and the rules between them.

Pure: it knows no database, no clock and no hash. Times are milliseconds since the epoch until they are shown.
"""

import contextlib
import re
import unicodedata
from enum import Enum
from typing import Annotated, ClassVar

import msgspec

from runtime.http.problem import Kind
from runtime.instant import SECOND, Instant, rfc3339
from runtime.settings import Secret

EMAIL_TAKEN = Kind("email-taken", 409, "Email taken", "Another account has this email.")
BAD_CREDENTIALS = Kind("bad-credentials", 401, "Bad credentials", "No account has this email and password.")
SESSION_REVOKED = Kind("session-revoked", 401, "Session revoked", "The session is over; log in again.")

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # a UUID in canonical text
Id = Annotated[str, msgspec.Meta(pattern=rf"^{ID}\Z", examples=["0197a3c2-8c5e-7000-8000-000000000001"])]
REFRESH_TOKEN = "GkV3Q2xkT0pYb1h6T0F3c0d5VnR1Y2xkT0pYb1g"  # noqa: S105  an example
GRACE = 10 * SECOND  # within which a refresh token may be presented again
PASSWORD_LENGTH = range(12, 129)  # code points

_NOT_IN_AN_EMAIL = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}  # controls, unassigned, private, surrogates, blanks
# Letters and marks that nobody sees either: what Unicode calls ignorable by default, and a blank in Braille.
_UNSEEN_IN_AN_EMAIL = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LONGEST_EMAIL = 254
_LONGEST_LOCAL = 64
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = rf"(?:{_LABEL}\.)+{_LABEL}"

# Something to see, and no control characters or line ends.
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_NAME = rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*\Z"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=_NAME, examples=["Ann"])]


class Email(str):
    """An address as its owner writes it; `key` is what it is compared by.

    Syntax: one `@`, a local part of 1 to 64 characters, a domain of two or more labels that IDNA can encode, 254
    characters in all, none of them blank, unassigned or invisible. Comparison: the whole address under compatibility
    caseless matching (Unicode, section 3.13, D146), its domain in ASCII form (RFC 3490). Unicode keeps both stable
    for assigned characters, so a stored key stays right under a newer Python.
    """

    __slots__ = ("key",)

    SCHEMA: ClassVar = {"format": "email", "maxLength": _LONGEST_EMAIL, "examples": ["ann@example.org"]}

    key: str

    @classmethod
    def parse(cls, text: str) -> "Email":
        """Raises ValueError that says what is wrong."""
        folded = _folded(text[: _LONGEST_EMAIL + 1])
        local, at, domain = folded.rpartition("@")
        if not at or "@" in local or len(text) > _LONGEST_EMAIL:
            raise ValueError(f"an email has one `@` and at most {_LONGEST_EMAIL} characters")
        if any(map(_is_unseen, text + folded)):
            raise ValueError("an email has no blanks and no invisible characters")
        if not 1 <= len(local) <= _LONGEST_LOCAL:
            raise ValueError(f"an email has 1 to {_LONGEST_LOCAL} characters before its `@`")
        email = cls(text)
        email.key = f"{local}@{_ascii_domain(domain)}"
        return email


class Password(Secret):
    """A new password: 12 to 128 characters of any kind, which are not normalised; shown nowhere."""

    __slots__ = ()

    SCHEMA: ClassVar = {"format": "password", "minLength": 12, "maxLength": 128, "examples": ["correct horse battery"]}

    @classmethod
    def parse(cls, text: str) -> "Password":
        """Raises ValueError for one that is too short or too long."""
        if len(text) not in PASSWORD_LENGTH:
            raise ValueError(f"a password has {PASSWORD_LENGTH.start} to {PASSWORD_LENGTH.stop - 1} characters")
        return cls(text)


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /users."""

    email: Email
    name: Name
    password: Password


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /sessions. Any password may be tried: what was allowed once may be refused today."""

    email: Email
    password: Annotated[Secret, msgspec.Meta(examples=["correct horse battery"])]


class RefreshRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /sessions/refresh."""

    refresh_token: Annotated[Secret, msgspec.Meta(examples=[REFRESH_TOKEN])]


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of PATCH /users/me: what is not there stays as it is (RFC 7396, but nothing can be removed)."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    email: Email | msgspec.UnsetType = msgspec.UNSET


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of PUT /users/me/password."""

    password: Password


class User(msgspec.Struct, frozen=True):
    """A user as stored. `version` counts the changes."""

    id: str
    email: str
    email_key: str
    name: str
    role: str
    password_hash: str
    version: int
    created_at: int
    updated_at: int

    def changed(self, changes: Changes, now: int) -> "User":
        """This user after `changes`, as the next version."""
        said: dict[str, object] = {"version": self.version + 1, "updated_at": now}
        if changes.name is not msgspec.UNSET:
            said["name"] = changes.name
        if changes.email is not msgspec.UNSET:
            said |= {"email": str(changes.email), "email_key": changes.email.key}
        return msgspec.structs.replace(self, **said)

    def promoted(self, role: str, now: int) -> "User":
        """This user in another role, as the next version."""
        return msgspec.structs.replace(self, role=role, version=self.version + 1, updated_at=now)

    def private(self) -> "PrivateUser":
        return PrivateUser(self.id, self.email, self.name, self.role, rfc3339(self.created_at))

    def public(self) -> "PublicProfile":
        return PublicProfile(self.id, self.name, rfc3339(self.created_at))

    def __repr__(self) -> str:
        return f"User({self.id})"


class PrivateUser(msgspec.Struct, frozen=True):
    """What a user sees of their own account."""

    id: Id
    email: Annotated[str, msgspec.Meta(examples=["ann@example.org"])]
    name: Name
    role: Annotated[str, msgspec.Meta(examples=["user"])]
    created_at: Instant


class PublicProfile(msgspec.Struct, frozen=True):
    """What anyone sees of a user."""

    id: Id
    name: Name
    created_at: Instant


class Verdict(Enum):
    """What becomes of a refresh token that someone presents."""

    FIRST = "it is spent now, for its successor"
    AGAIN = "the answer was lost, and is given once more"
    OVER = "its session has ended, or nobody used it for too long"
    REUSED = "two hold it, and one of them is a thief: the session ends"


class Presented(msgspec.Struct, frozen=True):
    """What is known of a refresh token and its session. `successor_spent_at` is of the token that it was spent for."""

    session_id: str
    authenticated_at: int
    ended_at: int | None
    created_at: int
    spent_at: int | None
    salt: str | None
    successor_spent_at: int | None

    def verdict(self, now: int, lifetime: int) -> Verdict:
        """`lifetime` is how long a token may lie unused, in milliseconds."""
        if self.ended_at is not None or now - self.created_at >= lifetime:
            return Verdict.OVER
        if self.spent_at is None:
            return Verdict.FIRST
        just_spent = self.successor_spent_at is None and now - self.spent_at < GRACE
        return Verdict.AGAIN if just_spent else Verdict.REUSED


class Session(msgspec.Struct, frozen=True):
    """One login that still counts; `current` is the one that asks."""

    id: Id
    authenticated_at: Instant
    current: bool


class Sessions(msgspec.Struct, frozen=True):
    """What GET /sessions answers, newest first."""

    items: list[Session]


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, section 5.1. `expires_in` is in seconds."""

    access_token: Annotated[str, msgspec.Meta(examples=["eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"])]
    token_type: str = "Bearer"  # noqa: S105  the word of the RFC
    expires_in: Annotated[int, msgspec.Meta(examples=[900])]
    refresh_token: Annotated[str, msgspec.Meta(examples=[REFRESH_TOKEN])]


def new_user(user_id: str, asked: NewUser, password_hash: str, now: int, *, role: str = "user") -> User:
    """The account that `asked` describes, at its beginning."""
    email = asked.email
    return User(user_id, str(email), email.key, asked.name, role, password_hash, 1, now, now)


def cache_group(user_id: str) -> str:
    """What caches file a user's public profile under (RFC 9875, a list of one string)."""
    return f'"user-{user_id}"'


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _NOT_IN_AN_EMAIL or bool(_UNSEEN_IN_AN_EMAIL.match(character))


def _folded(text: str) -> str:
    once = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def _ascii_domain(domain: str) -> str:
    with contextlib.suppress(UnicodeError):
        encoded = domain.encode("idna").decode()
        if re.fullmatch(_DOMAIN, encoded):
            return encoded
    raise ValueError("an email ends in the name of a domain, as in `ann@example.org`")
