"""runtime/identity/verifier.py: a bearer token -> a Principal, or a refusal that says no more than it must."""

import asyncio
import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from runtime.http.problem import Problem
from runtime.identity.verifier import Principal, Refused, Verifier, bearer
from tests.forgeries import Forger, Forgery, b64
from tests.virtual import played

NOW = 1_800_000_000.0
CLAIMS = {
    "iss": "portico",
    "aud": "portico",
    "sub": "user-1",
    "sid": "session-1",
    "role": "member",
    "iat": int(NOW),
    "exp": int(NOW) + 900,
    "jti": "token-1",
}
OURS, ANOTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def jwks(**keys: Ed25519PrivateKey) -> bytes:
    listed = [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(public(key))} for kid, key in keys.items()]
    return json.dumps({"keys": listed}).encode()


def unsigned(header: object, claims: object) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


def signed(claims: object = CLAIMS, key: Ed25519PrivateKey = OURS, **header: object) -> str:
    """Made by hand: a library would refuse to make most of the forgeries."""
    text = unsigned({"alg": "EdDSA", "typ": "JWT", "kid": "one"} | header, claims)
    return f"{text}.{b64(key.sign(text.encode()))}"


class Signer:
    """Who serves the keys: counts who asks, and may be down."""

    def __init__(self, document: bytes | None = None) -> None:
        self.document: bytes | Exception = document or jwks(one=OURS)
        self.asked = 0

    async def fetch(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class House:
    """A verifier with a signer and a clock of its own."""

    def __init__(self, document: bytes | None = None, capacity: int = 10) -> None:
        self.signer = Signer(document)
        self.clock = Clock()
        fetch = self.signer.fetch
        self.verifier = Verifier(fetch, issuer="portico", audience="portico", capacity=capacity, clock=self.clock)

    async def refuses(self, token: str) -> Problem:
        with pytest.raises(Problem) as refused:
            await self.verifier.verify(token)
        return refused.value

    async def refuses_as_forged(self, token: str) -> None:
        problem = await self.refuses(token)
        assert problem.kind.status == 401
        assert problem.headers == ((b"www-authenticate", b'Bearer error="invalid_token"'),)
        assert problem.detail == "The token is not valid."


async def test_a_token_speaks_for_its_caller() -> None:
    principal = await House().verifier.verify(signed())
    assert principal == Principal("user-1", "member", "session-1", int(NOW), NOW + 900)


async def test_a_session_that_was_authenticated_earlier_says_when() -> None:
    principal = await House().verifier.verify(signed(CLAIMS | {"auth_time": int(NOW) - 600}))
    assert principal.authenticated_at == int(NOW) - 600


# Forgeries.

FORGER = Forger(OURS, "one", CLAIMS)


@pytest.mark.parametrize("forgery", FORGER.all(), ids=lambda forgery: forgery.name)
async def test_a_forgery_is_refused_and_only_the_log_knows_why(forgery: Forgery) -> None:
    with pytest.raises(Problem) as refused:
        await House().verifier.verify(bearer(f"Bearer {forgery.token}".encode()))
    assert isinstance(refused.value, Refused)
    assert forgery.why in refused.value.why
    assert refused.value.headers == ((b"www-authenticate", b'Bearer error="invalid_token"'),)
    assert refused.value.detail in {
        "The token is not valid.",
        "The token has expired.",
        "The token is not valid yet.",
    }
    assert not refused.value.members


async def test_what_the_forger_wants_to_make_would_be_believed() -> None:
    assert (await House().verifier.verify(FORGER.good)).id == "user-1"


async def test_a_key_of_another_kind_does_not_verify() -> None:
    secret = {"kty": "oct", "kid": "one", "k": b64(b"secret" * 8)}
    text = unsigned({"alg": "HS256", "typ": "JWT", "kid": "one"}, CLAIMS)
    forged = f"{text}.{b64(hmac.digest(b'secret' * 8, text.encode(), hashlib.sha256))}"
    await House(json.dumps({"keys": [secret]}).encode()).refuses_as_forged(forged)
    await House(json.dumps({"keys": [secret]}).encode()).refuses_as_forged(signed())


@pytest.mark.parametrize("missing", sorted(CLAIMS))
async def test_every_claim_is_needed(missing: str) -> None:
    await House().refuses_as_forged(signed({name: value for name, value in CLAIMS.items() if name != missing}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "elsewhere"},
        {"iss": ["portico"]},
        {"aud": "elsewhere"},
        {"aud": None},
        {"aud": {"portico": 1}},
        {"sub": 5},
        {"sub": None},
        {"role": None},
        {"role": ["admin"]},
        {"sid": 5},
        {"exp": str(int(NOW) + 900)},
        {"exp": None},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"iat": "now"},
        {"nbf": "soon"},
        {"auth_time": "long ago"},
        {"jti": 5},
    ],
    ids=str,
)
async def test_a_claim_of_another_value_or_type_is_refused(wrong: dict[str, Any]) -> None:
    await House().refuses_as_forged(signed(CLAIMS | wrong))


@pytest.mark.parametrize("claims", [[], "x", 5, None, [CLAIMS]])
async def test_claims_that_are_no_object_are_refused(claims: object) -> None:
    await House().refuses_as_forged(signed(claims))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\x00",
        "é",
        "a" * 4096,
        "." * 4096,
        b64(b"[" * 3000) + ".e30.e30",
        b64(b'{"a":') + "..",
    ],
)
async def test_what_is_no_token_is_refused_without_asking_for_keys(token: str) -> None:
    house = House()
    await house.refuses_as_forged(token)
    assert house.signer.asked == 0


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_junk_is_refused_and_nothing_worse(token: str) -> None:
    asyncio.run(House().refuses_as_forged(token))


# Time.


async def test_an_expired_token_is_told_so() -> None:
    problem = await House().refuses(signed(CLAIMS | {"exp": int(NOW) - 6}))
    assert (problem.kind.status, problem.detail) == (401, "The token has expired.")


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_of_the_future_is_told_so(claim: str) -> None:
    problem = await House().refuses(signed(CLAIMS | {claim: int(NOW) + 6}))
    assert (problem.kind.status, problem.detail) == (401, "The token is not valid yet.")


@pytest.mark.parametrize("claims", [{"exp": int(NOW) - 4}, {"nbf": int(NOW) + 4}, {"iat": int(NOW) + 4}], ids=str)
async def test_clocks_may_differ_a_little_each_time_the_token_comes(claims: dict[str, int]) -> None:
    house = House()
    token = signed(CLAIMS | claims)
    assert await house.verifier.verify(token) == await house.verifier.verify(token)


# Verdicts.


async def test_a_verdict_is_kept_and_asks_for_no_key() -> None:
    house = House()
    token = signed()
    first = await house.verifier.verify(token)
    house.verifier._keys.clear()
    assert house.verifier.known(token) is first
    assert await house.verifier.verify(token) is first
    assert house.signer.asked == 1


async def test_a_token_that_was_never_verified_is_not_known() -> None:
    assert House().verifier.known(signed()) is None


async def test_a_verdict_ends_with_its_token() -> None:
    house = House()
    token = signed()
    await house.verifier.verify(token)
    house.clock.now += 906
    for _ in range(3):
        assert (await house.refuses(token)).detail == "The token has expired."


async def test_a_refusal_is_not_kept() -> None:
    house = House()
    for number in range(50):
        await house.refuses(signed(key=ANOTHER, number=number))
    assert len(house.verifier._verdicts) == 0


async def test_verdicts_are_bounded_and_the_oldest_goes_first() -> None:
    house = House(capacity=3)
    tokens = [signed(CLAIMS | {"jti": f"token-{number}"}) for number in range(5)]
    for token in tokens:
        await house.verifier.verify(token)
    assert [house.verifier.known(token) is not None for token in tokens] == [False, False, True, True, True]


# Keys.


async def test_many_callers_at_once_fetch_the_keys_once() -> None:
    house = House()
    await asyncio.gather(*(house.verifier.verify(signed(CLAIMS | {"jti": str(n)})) for n in range(50)))
    assert house.signer.asked == 1


async def test_many_callers_at_once_ask_a_signer_that_is_down_once() -> None:
    house = House()
    house.signer.document = ConnectionRefusedError()
    refused = await asyncio.gather(*(house.refuses(signed()) for _ in range(50)))
    assert {problem.kind.slug for problem in refused} == {"keys-unavailable"}
    assert house.signer.asked == 1


async def test_a_caller_who_leaves_does_not_keep_others_from_the_keys() -> None:
    house = House()
    leaving, staying = (asyncio.create_task(house.verifier.verify(signed())) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).id == "user-1"


async def test_a_key_that_is_withdrawn_is_believed_no_longer_also_for_tokens_that_were_let_in_before() -> None:
    house = House(jwks(one=OURS, two=ANOTHER))
    stays, goes = signed(), signed(key=ANOTHER, kid="two")
    for token in (stays, goes):
        await house.verifier.verify(token)
    house.signer.document = jwks(one=OURS)
    await house.verifier.renew()
    await house.refuses_as_forged(goes)
    assert (await house.verifier.verify(stays)).id == "user-1"


@pytest.mark.parametrize(
    "odd",
    [
        {"kid": [1]},
        {"kid": {}},
        {"kid": 5},
        {"kid": None},
        {"kid": ""},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"x": b64(bytes(32))},
        {"x": [1]},
        {"kty": [1]},
    ],
    ids=str,
)
@pytest.mark.parametrize("withdrawn", [True, False])
async def test_whatever_else_is_in_a_set_a_withdrawn_key_is_dropped_and_a_new_one_taken_up(
    odd: dict[str, object],
    withdrawn: bool,  # noqa: FBT001  a parameter of a test
) -> None:
    """Each odd member has the bytes of the key that was there, as if that had been made odd."""
    house = House(jwks(one=OURS))
    before = signed()
    await house.verifier.verify(before)
    spoilt = {"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": b64(public(OURS))} | odd
    others = json.loads(jwks(two=ANOTHER, **({} if withdrawn else {"one": OURS})))["keys"]
    house.signer.document = json.dumps({"keys": [spoilt, *others, spoilt]}).encode()
    assert await house.verifier.renew()
    assert (await house.verifier.verify(signed(key=ANOTHER, kid="two"))).id == "user-1"
    if withdrawn:
        await house.refuses_as_forged(before)
    else:
        assert (await house.verifier.verify(before)).id == "user-1"


@pytest.mark.parametrize("odd", [{"use": "enc"}, {"key_ops": ["sign"]}, {"x": b64(bytes(32))}], ids=str)
async def test_a_key_that_becomes_no_signer_is_withdrawn_also_when_there_is_no_other(odd: dict[str, object]) -> None:
    house = House(jwks(one=OURS))
    token = signed()
    await house.verifier.verify(token)
    (key,) = json.loads(jwks(one=OURS))["keys"]
    house.signer.document = json.dumps({"keys": [key | odd]}).encode()
    await house.verifier.renew()
    await house.refuses_as_forged(token)


async def test_an_answer_that_drips_is_none() -> None:
    house = House()

    async def drip() -> bytes:
        await asyncio.Event().wait()
        return b""

    house.verifier._fetch = drip

    async def renewed(_clock: object) -> bool:
        house.verifier._fetching = asyncio.Lock()
        return await house.verifier.renew()

    assert not await asyncio.to_thread(played, renewed)


@pytest.mark.parametrize("failure", [TypeError("unhashable type: 'list'"), RuntimeError(), KeyError("keys")], ids=repr)
async def test_a_fetch_that_fails_in_a_way_that_nobody_thought_of_is_no_more_than_one_that_fails(
    failure: Exception,
) -> None:
    house = House()
    house.signer.document = failure
    assert (await house.refuses(signed())).kind.slug == "keys-unavailable"
    assert not await house.verifier.renew()


async def test_a_set_that_stays_the_same_costs_no_verdict() -> None:
    house = House()
    token = signed()
    first = await house.verifier.verify(token)
    await house.verifier.renew()
    assert house.verifier.known(token) is first


async def test_keys_are_fetched_again_and_again_whatever_becomes_of_it() -> None:
    house = House()
    house.signer.document = ConnectionRefusedError()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        house.signer.document = jwks(one=OURS) if len(slept) == 3 else ConnectionRefusedError()
        if len(slept) == 5:
            raise asyncio.CancelledError

    with capture_logs() as logged, suppress(asyncio.CancelledError):
        await house.verifier.renewing(sleep)
    assert (slept, house.signer.asked) == ([5.0] * 5, 4)
    assert [line["event"] for line in logged] == ["no keys to be had", "keys are to be had again", "no keys to be had"]
    assert (await house.verifier.verify(signed())).id == "user-1"


async def test_forged_kids_that_come_just_after_a_renewal_keep_nobody_from_a_new_key() -> None:
    house = House()
    await house.verifier.renew()
    house.signer.document = jwks(one=OURS, two=ANOTHER)
    assert (await house.verifier.verify(signed(key=ANOTHER, kid="two"))).id == "user-1"


async def test_a_new_key_is_found_when_its_first_token_comes() -> None:
    house = House()
    await house.verifier.verify(signed())
    house.signer.document = jwks(one=OURS, two=ANOTHER)
    house.clock.now += 5
    assert (await house.verifier.verify(signed(key=ANOTHER, kid="two"))).id == "user-1"
    assert (await house.verifier.verify(signed(CLAIMS | {"jti": "old"}))).id == "user-1"
    assert house.signer.asked == 2


async def test_a_token_that_its_issuer_gave_out_just_now_waits_for_no_turn() -> None:
    house = House()
    await house.refuses_as_forged(signed(key=ANOTHER, kid="two"))  # so that nobody's kid is looked for, for a while
    house.signer.document = jwks(one=OURS, two=ANOTHER)
    token = signed(key=ANOTHER, kid="two")
    await house.refuses_as_forged(token)
    await asyncio.gather(*(house.verifier.expect(token) for _ in range(10)))
    assert (await house.verifier.verify(token)).id == "user-1"
    await house.verifier.expect("nothing like a token")
    assert house.signer.asked == 2


async def test_forged_kids_make_no_storm() -> None:
    house = House()
    await house.verifier.verify(signed())
    house.clock.now += 5
    for number in range(100):
        await house.refuses_as_forged(signed(kid=f"forged-{number}"))
    assert house.signer.asked == 2


@pytest.mark.parametrize(
    "document",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        b"<html>",
        b"\xff",
        b"[]",
        b"{}",
        b'{"keys": 5}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "?"}]}',
        b'{"keys": ' + b"[" * 100_000,
    ],
    ids=lambda document: repr(document)[:40],
)
async def test_without_any_key_nobody_gets_in_and_the_caller_may_come_again(document: bytes | Exception) -> None:
    house = House()
    house.signer.document = document
    problem = await house.refuses(signed())
    assert (problem.kind.status, problem.kind.slug) == (503, "keys-unavailable")
    assert problem.headers == ((b"retry-after", b"1"),)
    house.signer.document = jwks(one=OURS)
    house.clock.now += 1
    assert (await house.verifier.verify(signed())).id == "user-1"


@pytest.mark.parametrize("document", [ConnectionRefusedError(), b"<html>", b'{"keys": []}'], ids=repr)
async def test_with_keys_from_before_those_go_on_serving(document: bytes | Exception) -> None:
    house = House()
    await house.verifier.verify(signed())
    house.signer.document = document
    house.clock.now += 60
    await house.refuses_as_forged(signed(kid="forged"))
    assert (await house.verifier.verify(signed(CLAIMS | {"jti": "later"}))).id == "user-1"


async def test_a_signer_that_is_down_is_not_asked_for_every_forged_kid() -> None:
    house = House()
    await house.verifier.verify(signed())
    house.signer.document = TimeoutError()
    house.clock.now += 60
    for number in range(100):
        await house.refuses_as_forged(signed(kid=f"forged-{number}"))
    assert house.signer.asked == 2


# The header.


@pytest.mark.parametrize("header", [b"Bearer abc", b"bearer abc", b"BEARER abc", b"Bearer  abc", b"Bearer abc "])
def test_a_bearer_token_is_found(header: bytes) -> None:
    assert bearer(header) == "abc"


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Bearer ", b"Bearer  ", b"Basic abc", b"abc", b"Bearerabc"])
def test_without_credentials_the_challenge_names_no_error(header: bytes | None) -> None:
    with pytest.raises(Problem) as refused:
        bearer(header)
    assert refused.value.kind.status == 401
    assert refused.value.headers == ((b"www-authenticate", b"Bearer"),)


@pytest.mark.parametrize("header", [b"Bearer " + b"a" * 4097, b"Bearer \xc3\xa9", b"Bearer \xff"])
def test_a_token_that_is_huge_or_not_ascii_is_refused(header: bytes) -> None:
    with pytest.raises(Problem) as refused:
        bearer(header)
    assert refused.value.headers == ((b"www-authenticate", b'Bearer error="invalid_token"'),)


@given(st.binary() | st.binary().map(lambda raw: b"Bearer " + raw))
def test_any_header_is_a_token_or_a_refusal(header: bytes) -> None:
    with suppress(Problem):
        assert bearer(header).isascii()
