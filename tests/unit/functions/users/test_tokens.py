"""functions/users/tokens.py: what a session hands out."""

from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.users.keys import Keys
from functions.users.model import User
from functions.users.settings import Settings
from functions.users.tokens import Issuer, digest, random_token, successor
from runtime.http.problem import Problem
from runtime.identity.signing_keys import create
from runtime.identity.verifier import Principal, Verifier
from runtime.instant import now_ms
from runtime.settings import Secret

ANN = User("01a2", "ann@example.org", "ann@example.org", "Ann", "admin", "", 1, 0, 0)
SETTINGS = Settings(database_url=Secret(""), signing_keys_dir="")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    create(tmp_path, "one")
    return Keys(tmp_path, 900)


def verifier(keys: Keys, audience: str = "portico") -> Verifier:
    async def fetch() -> bytes:
        return keys.jwks

    return Verifier(fetch, issuer="portico", audience=audience)


async def test_a_token_speaks_for_its_user_in_its_session_for_its_lifetime(keys: Keys) -> None:
    now = now_ms()
    token = Issuer(keys, SETTINGS).issue(ANN, "session", now - 60_000, now)
    assert await verifier(keys).verify(token) == Principal(
        "01a2", "admin", "session", (now - 60_000) // 1000, now // 1000 + 900
    )


def test_a_token_may_be_good_for_less(keys: Keys) -> None:
    token = Issuer(keys, SETTINGS).issue(ANN, "session", 0, now_ms(), 90)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 90


async def test_a_token_is_refused_when_its_time_is_up(keys: Keys) -> None:
    hour_ago = now_ms() - 3_600_000
    with pytest.raises(Problem, match="expired"):
        await verifier(keys).verify(Issuer(keys, SETTINGS).issue(ANN, "session", hour_ago, hour_ago))


async def test_a_token_is_refused_by_another_audience(keys: Keys) -> None:
    token = Issuer(keys, SETTINGS).issue(ANN, "session", now_ms(), now_ms())
    with pytest.raises(Problem, match="not valid"):
        await verifier(keys, "elsewhere").verify(token)


def test_no_two_refresh_tokens_are_alike_and_each_has_256_bits() -> None:
    tokens = {random_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


@given(st.text(), st.text())
def test_a_token_and_a_salt_have_one_successor_which_neither_alone_gives(token: str, salt: str) -> None:
    after = successor(token, salt)
    assert after == successor(token, salt)
    assert after not in {token, digest(token), successor(token, salt + "x"), successor(token + "x", salt)}
