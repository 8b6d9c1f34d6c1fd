"""runtime/identity/signing_keys.py: a new key, its name, and who may read it."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from runtime.identity.signing_keys import create, thumbprint


def test_a_key_is_named_by_its_thumbprint_and_readable_as_asked(tmp_path: Path) -> None:
    file = create(tmp_path / "keys", mode=0o400)
    key = load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    assert file.stem == thumbprint(key.public_key())
    assert file.stat().st_mode & 0o777 == 0o400


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint(Ed25519PublicKey.from_public_bytes(raw)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_new_key_is_for_its_owner_only_and_replaces_none(tmp_path: Path) -> None:
    file = create(tmp_path / "keys", "one")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create(tmp_path / "keys", "one")
