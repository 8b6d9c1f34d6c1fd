"""runtime/identity/jwk.py: what in a set signs tokens, and that nothing in it keeps that from being told."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from runtime.identity.jwk import MOST, signers
from tests.forgeries import b64

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))  # the same in every worker, as it is in names of tests
X = b64(PRIVATE.public_key().public_bytes_raw())
GOOD = {"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": X}

P = 2**255 - 19
EIGHTHS = [  # y of the points of order 8
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
]
LOW_ORDER = [
    (y | sign << 255).to_bytes(32, "little") for y in [0, 1, P - 1, P, P + 1, *EIGHTHS] for sign in (0, 1)
]  # in every spelling

JUNK: list[Any] = [None, 5, 5.5, True, "one", [], [1], {}, {"one": 1}, "", "\ud800", [[]]]


def document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def found(*keys: object) -> set[str]:
    return {kid for kid, key in signers(document(*keys)).items() if key is not None}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"alg": "EdDSA"},
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"use": None, "key_ops": None, "alg": None},
        {"x5c": [1], "anything": {"else": 10**400}},
    ],
    ids=str,
)
def test_an_ed25519_key_signs_where_nothing_says_otherwise(more: dict[str, object]) -> None:
    key = signers(document(GOOD | more))["one"]
    assert key is not None
    key.verify(PRIVATE.sign(b"text"), b"text")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"kid": junk} for junk in JUNK if junk not in ("one", "\ud800")),
        {"use": "enc"},
        {"use": "SIG"},
        {"use": ["sig"]},
        {"use": ""},
        {"key_ops": []},
        {"key_ops": ["sign"]},
        {"key_ops": ["encrypt", "deriveKey"]},
        {"key_ops": "verify"},
        {"key_ops": {"verify": True}},
        {"key_ops": [["verify"]]},
        {"alg": "HS256"},
        {"alg": ["EdDSA"]},
        {"kty": "EC"},
        {"kty": ["OKP"]},
        {"crv": "X25519"},
        {"crv": "Ed448"},
        {"crv": None},
        {"d": b64(PRIVATE.private_bytes_raw())},
        *({"x": junk} for junk in JUNK),
        {"x": X + "="},
        {"x": X[:-1]},
        {"x": X + "AA"},
        {"x": X[:-1] + chr(ord(X[-1]) + 1)},
        {"x": "é" * 43},
        *({"x": b64(point)} for point in LOW_ORDER),
        {"x": b64((2).to_bytes(32, "little"))},  # not on the curve
        {"x": b64((P + 3).to_bytes(32, "little"))},
    ],
    ids=lambda wrong: repr(wrong)[:60],
)
def test_whatever_is_none_is_left_out_and_harms_no_other(wrong: dict[str, object]) -> None:
    assert found(GOOD | wrong) == set()
    assert set(signers(document(GOOD | wrong))) == ({"one"} if "kid" not in wrong else set())
    assert found(GOOD | wrong, GOOD | {"kid": "two"}, GOOD | wrong) == {"two"}


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_members_that_are_no_keys_are_left_out(junk: object) -> None:
    assert found(junk, GOOD) == {"one"}


@pytest.mark.parametrize(
    "member", [b'{"n": ' + b"9" * 10_000 + b"}", b'{"n": 1e999}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b'{"a": NaN}']
)
def test_what_json_hardly_allows_keeps_no_key_from_being_seen(member: bytes) -> None:
    assert signers(b'{"keys": [' + member + b"," + json.dumps(GOOD).encode() + b"]}").keys() == {"one"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"5",
        b"null",
        b"{}",
        b'{"keys": 5}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b"[" * 9**6,
    ],
    ids=lambda text: repr(text)[:20],
)
def test_what_is_no_set_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError, match="JWK set"):
        signers(text)


def test_of_a_point_of_low_order_anybody_could_sign() -> None:
    """Which is why there is a check: the library has none, and believes a signature that no key made."""
    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any text")
    assert found(GOOD | {"x": b64(identity)}) == set()


@given(st.binary(min_size=32, max_size=32))
def test_every_key_that_is_made_as_it_should_be_is_sound(seed: bytes) -> None:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert found(GOOD | {"x": b64(public)}) == {"one"}


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8)
KEYS = st.dictionaries(st.sampled_from([*GOOD, "d", "alg", "use", "key_ops"]), JSON)


@given(st.lists(JSON | KEYS | KEYS.map(lambda key: GOOD | key), max_size=8))
def test_nothing_in_a_set_breaks_it(members: list[object]) -> None:
    assert "good" in found(*members, GOOD | {"kid": "good"})


def test_another_kind_of_key_under_the_same_id_takes_nobodys_place() -> None:
    x = b64(X25519PrivateKey.generate().public_key().public_bytes_raw())
    another = {"kty": "OKP", "crv": "X25519", "kid": "one", "x": x}
    assert found(GOOD, another) == found(another, GOOD) == {"one"}


@pytest.mark.parametrize(
    "large",
    [
        document(*(GOOD | {"kid": str(number)} for number in range(MOST + 1))),
        document(*[GOOD] * (MOST + 1)),
        document(GOOD, "x" * 1024**2),
    ],
    ids=["keys", "one key again and again", "bytes"],
)
def test_a_set_that_would_hold_an_event_loop_up_is_none(large: bytes) -> None:
    with pytest.raises(ValueError, match="are taken"):
        signers(large)


def test_what_signs_nothing_is_not_counted() -> None:
    assert found(*[{"kty": "RSA", "kid": "other"}] * 2 * MOST, GOOD) == {"one"}
