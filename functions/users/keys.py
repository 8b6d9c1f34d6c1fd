"""A folder of `<kid>.pem` files -> the keys that sign access tokens, and the JWK set that checks them (RFC 8037).

Each file is an Ed25519 private key in PKCS#8. Which of them signs, and which are published, their names say
(runtime/identity/rotation.py): a file that is added to the folder, or taken out, needs no restart.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from runtime.identity import rotation
from runtime.serving.background import again
from runtime.settings import SettingsError
from runtime.telemetry import log

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
        self._seen = _stamps(folder)
        self._keys = _read(folder)

    @property
    def jwks(self) -> bytes:
        """The JSON document of the public keys that tokens are checked with now, and soon."""
        kids = rotation.believed(self._keys, self._clock(), self._lifetime)
        return msgspec.json.encode(KeySet([_public(kid, self._keys[kid]) for kid in kids]))

    def look(self) -> None:
        """Takes up what has changed in the folder; what is wrong with it is logged.

        A file that can't be read keeps no other from coming or going. Where none can be, the keys of before stay.
        """
        seen = _stamps(self._folder)
        if seen == self._seen:
            return
        self._seen = seen
        keys, faults = self._readable()
        if keys and keys.keys() != self._keys.keys():
            logger.info("signing keys have changed", kids=sorted(keys))
        elif faults or not keys:
            logger.warning("the signing keys stay as they were", why=" ".join(faults) or "the folder is empty")
        if keys:
            self._keys = keys

    def _readable(self) -> "tuple[dict[str, Ed25519PrivateKey], list[str]]":
        """The keys that can be read, or could be before, and what is wrong with the others."""
        keys, faults = {}, []
        for file in self._seen:
            try:
                keys[file.stem] = _private(file)
            except SettingsError as error:
                faults.append(str(error))
                if file.stem in self._keys:
                    keys[file.stem] = self._keys[file.stem]
        return keys, faults

    def sign(self, claims: Mapping[str, object]) -> str:
        """A JWT in compact form (RFC 7519)."""
        import jwt  # noqa: PLC0415  80 ms of CPU: the first login pays, not every start

        kid = rotation.signing(self._keys, self._clock())
        return jwt.encode(dict(claims), self._keys[kid], algorithm="EdDSA", headers={"kid": kid})


async def looking(keys: Keys) -> None:
    """Has `keys` follow their folder, for ever."""

    async def look() -> None:
        keys.look()

    await again("signing-keys", look, lambda _worked: LOOK)


def _read(folder: Path) -> "dict[str, Ed25519PrivateKey]":
    keys = {file.stem: _private(file) for file in sorted(folder.glob("*.pem"))}
    if not keys:
        todo = f"run `python -m runtime.identity.signing_keys {folder}`"
        raise SettingsError(f"SIGNING_KEYS_DIR: no key in {folder}: {todo}")
    return keys


def _stamps(folder: Path) -> dict[Path, int]:
    """Each file with the moment of its last change, so that one which was being written is read again."""
    found = {}
    for file in sorted(folder.glob("*.pem")):
        with suppress(OSError):  # gone since
            found[file] = file.stat().st_mtime_ns
    return found


def _private(file: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  not at import
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  not at import
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415  not at import

    try:
        file.stem.encode()
        key = load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        raise SettingsError(f"SIGNING_KEYS_DIR: {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"SIGNING_KEYS_DIR: {file} is not an Ed25519 private key in PKCS#8 without a password")
    return key


def _public(kid: str, key: "Ed25519PrivateKey") -> PublicKey:
    x = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return PublicKey(kid, x)
