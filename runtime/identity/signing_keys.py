"""Makes the keys that access tokens are signed with: Ed25519 in PKCS#8, one PEM file each, named as the key is.

In: a folder. Out: a new file in it, whole from the first moment, that nobody but its owner could read at any moment,
unless the mode says so. It never reads a key, nor replaces one. `python -m runtime.identity.signing_keys FOLDER` makes
one that begins to sign when everybody has heard of it (runtime/identity/rotation.py).
"""

import base64
import hashlib
import json
import os
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from runtime.identity.rotation import AHEAD, called


def create(folder: Path, name: str = "", mode: int = 0o600) -> Path:
    """A new key in `folder`, called `name` or by its thumbprint. Raises OSError, also for a name that is taken."""
    key = Ed25519PrivateKey.generate()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name or thumbprint(key.public_key())}.pem"
    draft = file.with_suffix(".new")
    opened = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        with opened:
            opened.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        draft.chmod(mode)
        file.hardlink_to(draft)  # a function that looks into the folder sees a whole key or none
    finally:
        draft.unlink(missing_ok=True)
    return file


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638, with the members that RFC 8037, section 2, names."""
    x = _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _base64url(hashlib.sha256(members.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.stdout.write(f"{create(Path(sys.argv[1]), called(time.time() + AHEAD))}\n")
