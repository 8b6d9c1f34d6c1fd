"""Who is calling: a bearer token -> a Principal.

Access tokens are JWTs signed with Ed25519 (RFC 7519, RFC 8037). Keys come as a JWK set from a source that is given, and
are asked for again and again; a verdict is kept until its token expires or the set changes, so that a caller's later
requests cost one dictionary look-up. What is wrong with a token is for the log; its sender is told no more than that.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import msgspec

from runtime.http.problem import KEYS_UNAVAILABLE, UNAUTHENTICATED, Problem
from runtime.identity import jws
from runtime.identity.jwk import signers
from runtime.serving import background
from runtime.telemetry import log

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

logger = log.get(__name__)

FetchKeys = Callable[[], Awaitable[bytes]]

_REQUIRED = ["iss", "aud", "sub", "sid", "role", "iat", "exp", "jti"]
_LEEWAY = 5.0  # seconds that clocks may differ
_REFETCH = 5.0  # seconds between two fetches for kids that are not known, so that forged ones make no storm
_RETRY = 1.0  # seconds after one that failed
_PATIENCE = 5.0  # seconds that a fetch may take, however slowly its answer comes
RENEWED = 5.0  # seconds between two fetches in any case: a key that was withdrawn is believed no longer than this
_LONGEST = 4096  # bytes of a token; ours have about 500


class Principal(msgspec.Struct, frozen=True):
    """The caller that a token speaks for. Times are seconds since the epoch."""

    id: str
    role: str
    session: str
    authenticated_at: int
    expires_at: float


_Text = Annotated[str, msgspec.Meta(pattern=r"^[^\ud800-\udfff]+\Z")]  # there is some, and it can be written anywhere
_Time = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]  # seconds that are exact as a float, too


class _Claims(TypedDict):
    sub: _Text
    role: _Text
    sid: _Text
    iat: _Time
    nbf: NotRequired[_Time]
    exp: _Time
    auth_time: _Time


class Refused(Problem):
    """A 401 as RFC 6750, section 3 puts it; without `error` when no credentials came at all.

    `why` is for the log: a sentence that holds nothing of the credentials.
    """

    def __init__(self, error: str, detail: str, why: str = "") -> None:
        challenge = f'Bearer error="{error}"' if error else "Bearer"
        super().__init__(UNAUTHENTICATED, detail, headers=[(b"www-authenticate", challenge.encode())])
        self.why = why or detail


def invalid(why: str, detail: str = "The token is not valid.") -> Refused:
    """The refusal of credentials that came, and are not to be believed."""
    return Refused("invalid_token", detail, why)


def bearer(authorization: bytes | None) -> str:
    """The token in an Authorization header (RFC 6750, section 2.1). Raises Problem unauthenticated."""
    if authorization is None:
        raise Refused("", "A bearer token is needed.")
    scheme, _, token = authorization.partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != b"bearer" or not token:
        raise Refused("", "A bearer token is needed, as `Authorization: Bearer …`.")
    if len(token) > _LONGEST or not token.isascii():
        raise invalid("it is too long, or not ASCII")
    return token.decode("ascii")


class Verifier:
    """Verifies tokens of one issuer for one audience; keeps at most `capacity` verdicts."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        issuer: str,
        audience: str,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._issuer = issuer
        self._audience = audience
        self._capacity = capacity
        self._clock = clock
        self._verdicts: OrderedDict[str, Principal] = OrderedDict()
        self._set = b""  # as it was fetched last
        self._keys: dict[str, Ed25519PublicKey | None] = {}  # what is in it
        self._fetching = asyncio.Lock()
        self._fetch_again = float("-inf")
        self._answers = True

    async def verify(self, token: str) -> Principal:
        """The principal of `token`. Raises Problem unauthenticated or, with no key to check with, keys-unavailable."""
        return self.known(token) or await self._judge(token)

    def known(self, token: str) -> Principal | None:
        """The verdict on a token that was verified before and has not expired."""
        principal = self._verdicts.get(token)
        if principal is not None and principal.expires_at + _LEEWAY <= self._clock():
            del self._verdicts[token]
            raise _expired()
        return principal

    async def expect(self, token: str) -> None:
        """Fetches the keys at once, if there is none for `token`, which its issuer itself gave out just now."""
        with suppress(jws.Unacceptable):
            kid = jws.kid(token)
            async with self._fetching:
                if kid not in self._keys:
                    await self._renew()

    async def renew(self) -> bool:
        """Fetches the keys; whether they were to be had.

        Fails closed: without any nobody gets in; with keys from before, those go on serving.
        """
        async with self._fetching:
            return await self._renew()

    async def renewing(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Fetches the keys again and again, for ever; the first time after a while, so that nobody's start waits."""
        await background.again("keys", self.renew, lambda _worked: RENEWED, sleep=sleep)

    async def _judge(self, token: str) -> Principal:
        import jwt  # noqa: PLC0415  cryptography costs 40 ms and 10 MB at start; the first token pays

        try:
            key = await self._key(jws.kid(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=[jws.ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            principal = _principal(claims, self._clock())
        except (jws.Unacceptable, jwt.InvalidTokenError, msgspec.ValidationError) as error:
            raise invalid(str(error)) from None
        self._keep(token, principal)
        return principal

    async def _key(self, kid: str) -> "Ed25519PublicKey":
        if kid not in self._keys:
            async with self._fetching:
                await self._find(kid)
        if not self._keys:
            raise Problem(KEYS_UNAVAILABLE, retry_after=1)
        if kid not in self._keys:
            raise invalid("its key is not in the issuer's set")
        if (key := self._keys[kid]) is None:
            raise invalid("its key is in the issuer's set, and is none that signs tokens")
        return key

    async def _find(self, kid: str) -> None:
        """Fetches the keys for the sake of one, if that was not done just now."""
        if kid not in self._keys and self._clock() >= self._fetch_again:
            self._fetch_again = self._clock() + (_REFETCH if await self._renew() else _RETRY)

    async def _renew(self) -> bool:
        """Whether there was an answer that holds keys."""
        try:
            async with asyncio.timeout(_PATIENCE):
                document = await self._fetch()
            if document != self._set:
                self._keys = signers(document)
                self._set = document
                self._verdicts.clear()  # a key that is gone may have signed any of them
        except Exception as error:  # noqa: BLE001  whatever it is, it is no reason to believe, or to stop asking
            self._note(answers=False, why=str(error) or repr(error))
            return False
        self._note(answers=bool(self._keys), why="" if self._keys else "no key in the set has an id")
        return bool(self._keys)

    def _note(self, *, answers: bool, **said: str) -> None:
        if answers is not self._answers:
            self._answers = answers
            tell = logger.info if answers else logger.warning
            tell("keys are to be had again" if answers else "no keys to be had", **said)

    def _keep(self, token: str, principal: Principal) -> None:
        self._verdicts[token] = principal
        if len(self._verdicts) > self._capacity:
            self._verdicts.popitem(last=False)


def _principal(claims: dict[str, Any], now: float) -> Principal:
    """Who the claims speak for; times are checked here, as the library's clock cannot be given."""
    known = msgspec.convert({"auth_time": claims.get("iat"), **claims}, _Claims)
    if known["exp"] + _LEEWAY <= now:
        raise _expired()
    if max(known["iat"], known.get("nbf", 0)) - _LEEWAY > now:
        raise invalid("it is not valid yet", "The token is not valid yet.")
    return Principal(
        id=known["sub"],
        role=known["role"],
        session=known["sid"],
        authenticated_at=known["auth_time"],
        expires_at=float(known["exp"]),
    )


def _expired() -> Refused:
    return invalid("it has expired", "The token has expired.")
