"""A folder of `<kid>.pem` files -> the keys that sign access tokens, and the JWK set that checks them (RFC 8037).

Each file is an Ed25519 private key in PKCS#8. Which of them signs, and which are published, their names say
(runtime/rotation.py): a file that is added to the folder, or taken out, needs no restart.
"""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from runtime import log, rotation
from runtime.settings import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOOK = 1.0  # seconds between two looks into the folder

logger = log.get(__name__)


class PublicKey(msgspec.Struct, frozen=True):
    """What checks a signature (RFC 8037, section 2)."""

    kid: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class KeySet(msgspec.Struct, frozen=True):
    """A JWK set (RFC 7517, section 5)."""

    keys: list[PublicKey]


class Keys:
    """The private keys in `folder` by kid; `lifetime` is that of the tokens they sign, in seconds.

    Raises SettingsError with what is wrong when it is made.
    """

    def __init__(self, folder: Path, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._clock = clock
        self._keys = _read(folder)
        self._seen = set(self._keys)

    @property
    def jwks(self) -> bytes:
        """The JSON document of the public keys that tokens are checked with now, and soon."""
        kids = rotation.believed(self._keys, self._clock(), self._lifetime)
        return msgspec.json.encode(KeySet([_public(kid, self._keys[kid]) for kid in kids]))

    def look(self) -> None:
        """Takes up what has changed in the folder. What is wrong with it is logged, and the keys of before stay."""
        seen = {file.stem for file in self._folder.glob("*.pem")}
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = _read(self._folder)
        except SettingsError as error:
            logger.warning("the signing keys stay as they were", why=str(error))
        else:
            logger.info("signing keys have changed", kids=sorted(self._keys))

    def sign(self, claims: Mapping[str, object]) -> str:
        """A JWT in compact form (RFC 7519)."""
        import jwt  # noqa: PLC0415  80 ms of CPU: the first login pays, not every start

        kid = rotation.signing(self._keys, self._clock())
        return jwt.encode(dict(claims), self._keys[kid], algorithm="EdDSA", headers={"kid": kid})


async def looking(keys: Keys) -> None:
    """Has `keys` follow their folder, for ever."""
    while True:
        await asyncio.sleep(LOOK)
        keys.look()


def _read(folder: Path) -> "dict[str, Ed25519PrivateKey]":
    keys = {file.stem: _private(file) for file in sorted(folder.glob("*.pem"))}
    if not keys:
        raise SettingsError(f"SIGNING_KEYS_DIR: no key in {folder}: run `python -m runtime.signing {folder}`")
    return keys


def _private(file: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  not at import
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415  not at import

    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        raise SettingsError(f"SIGNING_KEYS_DIR: {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"SIGNING_KEYS_DIR: {file} is not an Ed25519 private key in PKCS#8 without a password")
    return key


def _public(kid: str, key: "Ed25519PrivateKey") -> PublicKey:
    x = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return PublicKey(kid, x)
