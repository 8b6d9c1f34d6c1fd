"""runtime/identity/jws.py: one spelling for each token, and a reason for every other text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.identity.jws import Unacceptable, kid
from tests.forgeries import b64, encoded

HEADER = {"alg": "EdDSA", "kid": "one"}
SIGNATURE = "A" * 86
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def test_a_token_says_which_key_it_is_signed_with() -> None:
    assert kid(f"{encoded(HEADER)}.{encoded({})}.{SIGNATURE}") == "one"
    assert kid(f"{encoded(HEADER | {'typ': 'JWT', 'more': 1})}.{encoded({'a': [1]})}.{SIGNATURE}") == "one"


@given(JSON)
def test_any_claims_that_are_an_object_will_do(claims: object) -> None:
    token = f"{encoded(HEADER)}.{encoded(claims)}.{SIGNATURE}"
    if isinstance(claims, dict):
        assert kid(token) == "one"
    else:
        with pytest.raises(Unacceptable, match="it is not an object"):
            kid(token)


@given(st.binary(max_size=100))
def test_every_bytes_have_one_spelling(raw: bytes) -> None:
    text = b64(raw)
    for other in (
        f"{text}=",
        f"{text}==",
        f" {text}",
        f"{text}\n",
        text.replace("-", "+") if "-" in text else f"{text}~",
    ):
        with pytest.raises(Unacceptable, match="base64url"):
            kid(f"{encoded(HEADER)}.{encoded({})}.{other}")


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*", fullmatch=True))
def test_any_text_is_a_token_or_has_a_reason_that_repeats_nothing_of_it(text: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        kid(text)
    assert str(refused.value).startswith(("it ", "its "))


@given(JSON, JSON)
def test_any_header_names_a_key_or_is_refused(alg: object, name: object) -> None:
    try:
        assert kid(f"{b64(json.dumps({'alg': alg, 'kid': name}).encode())}.e30.{SIGNATURE}") == name
    except Unacceptable:
        assert alg != "EdDSA" or not isinstance(name, str)
