from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.local import secrets
from deploy.local.layout import Layout
from runtime.identity import signing_keys


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in ("gateway", "users"):
        folder = tmp_path / "functions" / name
        folder.mkdir(parents=True)
        (folder / "function.toml").touch()
    return Layout(tmp_path, tmp_path / "state", 9000)


def test_nobody_else_can_read_them(layout: Layout) -> None:
    secrets.write(layout, {})
    for path in (layout.secrets, *layout.secrets.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_a_function_has_a_file_of_its_own_unless_a_url_is_given(layout: Layout) -> None:
    secrets.write(layout, {})
    assert layout.database_url("users").read_text() == f"sqlite:///{layout.state}/data/users.db"
    secrets.write(layout, {"DATABASE_URL_USERS": "postgresql://u:p@db/users"})
    assert layout.database_url("users").read_text() == "postgresql://u:p@db/users"


def test_what_a_running_function_knows_is_not_changed_for_the_sake_of_a_new_one(layout: Layout) -> None:
    secrets.write(layout, {"DATABASE_URL_USERS": "postgresql://u:p@db/users"})
    secrets.add(layout, {})
    assert layout.database_url("users").read_text() == "postgresql://u:p@db/users"
    layout.database_url("users").unlink()
    secrets.add(layout, {})
    assert layout.database_url("users").read_text() == f"sqlite:///{layout.state}/data/users.db"


def test_a_signing_key_is_made_once_and_named_by_its_thumbprint(layout: Layout) -> None:
    secrets.write(layout, {})
    (file,) = (layout.secrets / "signing").iterdir()
    pem = file.read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    assert file.stem == signing_keys.thumbprint(key.public_key())
    secrets.write(layout, {})
    assert [(again, again.read_bytes()) for again in (layout.secrets / "signing").iterdir()] == [(file, pem)]


def test_a_thumbprint_is_the_one_of_rfc_8037() -> None:
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")  # appendix A.2
    assert (
        signing_keys.thumbprint(Ed25519PublicKey.from_public_bytes(raw))
        == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )


def test_redis_and_its_clients_are_given_the_same_password(layout: Layout) -> None:
    secrets.write(layout, {})
    for url, config in (("redis-url", "redis.conf"), ("cache-url", "redis-cache.conf")):
        password = (layout.secrets / url).read_text().split(":")[2].partition("@")[0]
        assert f"requirepass {password}\n" in (layout.secrets / config).read_text()
