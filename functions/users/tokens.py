"""What a session hands out: access tokens (JWTs, RFC 7519) and refresh tokens (256 random bits, RFC 6749, section 1.5).

Pure but for randomness. A refresh token's successor is made from the token and a salt: who asks with the same token
again gets the very same successor, so there is never more than one that can be spent, and the store holds none of them.
"""

import hashlib
import hmac
import secrets

from functions.users.keys import Keys
from functions.users.model import User
from functions.users.settings import Settings
from runtime.database.ids import uuid7
from runtime.instant import SECOND

_BYTES = 32


class Issuer:
    """Issues access tokens that are good for `lifetime` seconds."""

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self.lifetime = int(settings.access_lifetime)

    def issue(self, user: User, session: str, authenticated_at: int, now: int, lifetime: int | None = None) -> str:
        """A token that speaks for `user` in `session`; times in milliseconds since the epoch, `lifetime` in seconds."""
        issued_at = now // SECOND
        return self._keys.sign(
            {
                "iss": self._issuer,
                "aud": self._audience,
                "sub": user.id,
                "sid": session,
                "role": user.role,
                "iat": issued_at,
                "exp": issued_at + (self.lifetime if lifetime is None else lifetime),
                "auth_time": authenticated_at // SECOND,
                "jti": uuid7(),
            }
        )


def random_token() -> str:
    """256 random bits, in text that travels anywhere."""
    return secrets.token_urlsafe(_BYTES)


def successor(token: str, salt: str) -> str:
    """What follows `token`; always the same for a salt, and not to be found without the token."""
    return hmac.new(token.encode(), salt.encode(), hashlib.sha256).hexdigest()


def digest(token: str) -> str:
    """What a store keeps of a token. SHA-256 is enough, as no one guesses 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
