"""A JWK set (RFC 7517) -> the keys that tokens may be signed with, by their id.

Pure. What is in the set beside them is for others, and may be anything: it is left out, and keeps no key from being
taken up, nor one that is withdrawn from being dropped. A signer is an Ed25519 key (RFC 8037) that has an id, is public,
and is meant for checking signatures; of a point of low order anybody can sign, so that is none.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from runtime.identity.jws import ALGORITHM

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MOST = 100  # keys that may sign: each takes half a millisecond, in which an event loop does nothing else
_LARGEST = 1024**2  # bytes of a set

_P = 2**255 - 19  # RFC 8032, section 5.1
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1


def signers(document: bytes) -> "dict[str, Ed25519PublicKey | None]":
    """The keys by id; None for one that is in the set, but no signer.

    Raises ValueError for what is no set, for an empty one (nobody withdraws all there is), and one that is too large.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  40 ms, 10 MB

    named = [key for key in _members(document) if isinstance(key, dict) and isinstance(key.get("kid"), str)]
    meant = [key for key in named if _is_meant(key)]
    if len(meant) > MOST:
        raise ValueError(f"a JWK set with {len(meant)} keys for signatures, of which {MOST} are taken")
    points = {key["kid"]: point for key in meant if _is_sound(point := _point(key["x"]))}
    others = {key["kid"]: None for key in named if key["kid"]}
    return {**others, **{kid: Ed25519PublicKey.from_public_bytes(point) for kid, point in points.items()}}


def _members(document: bytes) -> list[Any]:
    """Whatever is in the set. What no key that signs can hold, a number or bytes that are no text, breaks nothing."""
    if len(document) > _LARGEST:
        raise ValueError(f"a JWK set of {len(document)} bytes, of which {_LARGEST} are taken")
    try:
        found = json.loads(document.decode("utf-8-sig", "replace"), parse_int=bool, parse_float=bool)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a JWK set: {error}") from error
    members = found.get("keys") if isinstance(found, dict) else None
    if isinstance(members, list) and members:
        return members
    raise ValueError("not a JWK set, or an empty one")


def _is_meant(key: dict[str, Any]) -> bool:
    """Whether it says that it is an Ed25519 key for checking signatures; null is as good as nothing."""
    operations = key.get("key_ops")
    return (
        (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519")
        and key["kid"] != ""
        and isinstance(key.get("x"), str)
        and key.get("d") is None  # whoever can read the set could sign
        and key.get("alg") in (None, ALGORITHM)
        and key.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


def _point(x: str) -> bytes:
    """The 32 bytes, or none: base64url has one spelling of them (RFC 7515, section 2)."""
    try:
        point = urlsafe_b64decode(x + "=" * (-len(x) % 4))
    except ValueError:
        return b""
    return point if len(point) == 32 and urlsafe_b64encode(point).decode().rstrip("=") == x else b""


def _is_sound(point: bytes) -> bool:
    """Whether it is on the curve, written as RFC 8032, section 5.1.3, has it, and no eightfold of it is nothing."""
    if not point:
        return False
    y = int.from_bytes(point, "little") & (2**255 - 1)
    squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(squared, (_P + 3) // 8, _P)
    if x * x % _P != squared:
        x = x * _ROOT % _P
    if y >= _P or x * x % _P != squared:
        return False
    for _ in range(3):
        x, y = _doubled(x, y)
    return (x, y) != (0, 1)


def _doubled(x: int, y: int) -> tuple[int, int]:
    product = _D * x * x * y * y
    return 2 * x * y * pow(1 + product, -1, _P) % _P, (y * y + x * x) * pow(1 - product, -1, _P) % _P
