"""functions/users/apikeys/model.py: how a key looks, and how little of it is shown again."""

from pathlib import Path

import msgspec
import pytest

from functions.users.apikeys.model import PREFIX, NewKey, prefix
from functions.users.tokens import random_token
from runtime.http.body import decode
from runtime.http.validation import Invalid
from runtime.manifest import Manifest


def test_the_manifest_tells_gateways_how_keys_begin() -> None:
    declared = Manifest.read(Path("functions/users")).api_keys
    assert declared is not None
    assert declared.prefix == PREFIX


def test_what_is_shown_of_a_key_tells_it_from_others_and_keeps_the_rest() -> None:
    key = PREFIX + random_token()
    assert key.startswith(prefix(key))
    assert len(PREFIX) < len(prefix(key)) <= len(key) - 36  # characters of 6 bits that are left to guess


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", 5, None])
def test_a_key_has_a_name_that_can_be_read(name: object) -> None:
    with pytest.raises(Invalid):
        decode(msgspec.json.encode({"name": name}), NewKey)
