"""functions/users/keys.py: a folder of keys, and what is told when it holds none."""

import json
import os
from pathlib import Path

import jwt
import pytest
from structlog.testing import capture_logs

from functions.users.keys import Keys
from runtime.identity.rotation import called
from runtime.identity.signing_keys import create
from runtime.settings import SettingsError

NOW = 1_800_000_000.0
LIFETIME = 900.0

X25519 = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq
-----END PRIVATE KEY-----
"""  # of RFC 7748, section 6.1: a key, but none that signs


def kid(token: str) -> object:
    return jwt.get_unverified_header(token)["kid"]


def published(keys: Keys) -> list[str]:
    return [key["kid"] for key in json.loads(keys.jwks)["keys"]]


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_of_keys_that_have_always_been_there_all_are_published_and_the_last_by_name_signs(tmp_path: Path) -> None:
    create(tmp_path, "b")
    create(tmp_path, "a")
    keys = Keys(tmp_path, LIFETIME)
    assert published(keys) == ["a", "b"]
    assert kid(keys.sign({})) == "b"


def test_a_key_is_published_before_it_signs_and_until_its_last_token_has_expired(tmp_path: Path) -> None:
    clock = Clock(NOW)
    create(tmp_path, "old")
    keys = Keys(tmp_path, LIFETIME, clock)
    create(tmp_path, new := called(NOW + 15))
    assert published(keys) == ["old"]
    keys.look()
    assert (published(keys), kid(keys.sign({}))) == (["old", new], "old")
    clock.now += 15
    assert (published(keys), kid(keys.sign({}))) == (["old", new], new)
    clock.now += LIFETIME
    assert published(keys) == [new]


def test_a_key_that_is_taken_out_is_gone_at_the_next_look(tmp_path: Path) -> None:
    keys_of_two = [create(tmp_path, name) for name in ("one", "two")]
    keys = Keys(tmp_path, LIFETIME)
    keys_of_two[1].unlink()
    keys.look()
    assert (published(keys), kid(keys.sign({}))) == (["one"], "one")


@pytest.mark.parametrize("text", ["", None], ids=["broken", "none"])
def test_a_folder_that_is_broken_while_it_runs_changes_nothing_and_is_told_once(
    tmp_path: Path, text: str | None
) -> None:
    file = create(tmp_path, "one")
    keys = Keys(tmp_path, LIFETIME)
    if text is None:
        file.unlink()
    else:
        (tmp_path / "two.pem").write_text(text)
    with capture_logs() as logged:
        for _ in range(3):
            keys.look()
    assert [line["event"] for line in logged] == ["the signing keys stay as they were"]
    assert kid(keys.sign({})) == "one"


def test_what_is_published_checks_what_is_signed_and_holds_nothing_private(tmp_path: Path) -> None:
    create(tmp_path, "one")
    keys = Keys(tmp_path, LIFETIME)
    (public,) = json.loads(keys.jwks)["keys"]
    assert jwt.decode(keys.sign({"sub": "ann"}), jwt.PyJWK(public), algorithms=["EdDSA"]) == {"sub": "ann"}
    assert public.keys() == {"kty", "crv", "alg", "use", "kid", "x"}


def test_without_a_key_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"run `python -m runtime\.identity\.signing_keys"):
        Keys(tmp_path, LIFETIME)


@pytest.mark.parametrize("text", ["", "not a key", X25519])
def test_a_file_that_is_no_signing_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.pem").write_text(text)
    with pytest.raises(SettingsError, match=r"bad\.pem is not an Ed25519 private key"):
        Keys(tmp_path, LIFETIME)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").mkdir()
    with pytest.raises(SettingsError, match=r"bad\.pem cannot be read"):
        Keys(tmp_path, LIFETIME)


def test_a_file_that_can_not_be_read_keeps_no_key_from_coming_and_none_from_going(tmp_path: Path) -> None:
    gone = create(tmp_path, "one")
    keys = Keys(tmp_path, LIFETIME)
    (tmp_path / "broken.pem").write_text("")
    (tmp_path / "\udcff.pem").write_text(gone.read_text())  # a name that is no text
    create(tmp_path, "two")
    gone.unlink()
    keys.look()
    assert published(keys) == ["two"]


def test_a_file_that_was_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    create(tmp_path, "one")
    keys = Keys(tmp_path, LIFETIME)
    whole = create(tmp_path, "two").read_bytes()
    (tmp_path / "two.pem").write_bytes(whole[:20])
    keys.look()
    assert published(keys) == ["one"]
    (tmp_path / "two.pem").write_bytes(whole)
    os.utime(tmp_path / "two.pem", ns=(1, 1))  # at another moment, however coarse the clock of the file system is
    keys.look()
    assert published(keys) == ["one", "two"]


def test_a_key_whose_file_is_spoilt_goes_on_signing(tmp_path: Path) -> None:
    file = create(tmp_path, "one")
    create(tmp_path, "two")
    keys = Keys(tmp_path, LIFETIME)
    file.write_text("")
    keys.look()
    assert published(keys) == ["one", "two"]
