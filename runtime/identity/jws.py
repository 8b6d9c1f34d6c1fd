"""A token in compact form (RFC 7515, section 3.1), looked at before any key is: its text goes in, its kid comes out.

Pure. For every token there is one spelling, so what is padded, has stray bits, repeats a member or says NaN is none.
What a header says of keys (jwk, jku, x5c, x5u) is nobody's business here: keys come from the issuer alone.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, NoReturn

ALGORITHM = "EdDSA"

_SIGNATURE = 64  # bytes: Ed25519 has no other


class Unacceptable(ValueError):
    """Why it is no token of ours: a sentence for the operator's log that repeats nothing of the token."""


def kid(token: str) -> str:
    """The key that the token says it is signed with. Raises Unacceptable."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Unacceptable("it does not have three parts")
    header, claims, signature = (_decoded(part) for part in parts)
    found = _header(_object(header))
    _object(claims)
    if len(signature) != _SIGNATURE:
        raise Unacceptable("its signature has not the length of one")
    return found


def _header(header: dict[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise Unacceptable(f"its algorithm is not {ALGORITHM}")
    if header.get("typ", "JWT") != "JWT":
        raise Unacceptable("it is of another type")
    if "crit" in header or "b64" in header:
        raise Unacceptable("it asks for an extension that is not known")
    if not isinstance(found := header.get("kid"), str):
        raise Unacceptable("it names no key")
    return found


def _decoded(part: str) -> bytes:
    """RFC 7515, section 2: base64url without padding; the bits that are over are zero (RFC 4648, section 3.5)."""
    try:
        decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Unacceptable("it is not base64url") from None
    if urlsafe_b64encode(decoded).decode().rstrip("=") != part:
        raise Unacceptable("it is not canonical base64url")
    return decoded


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except Unacceptable:
        raise
    except (ValueError, RecursionError):
        raise Unacceptable("it is not JSON") from None
    if not isinstance(found, dict):
        raise Unacceptable("it is not an object")
    return found


def _once(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise Unacceptable("it says one thing twice")
    return found


def _no_number(_text: str) -> NoReturn:
    raise Unacceptable("it holds what is no number in JSON")
