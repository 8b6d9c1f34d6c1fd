"""Who gets in: the answers that a client with, without or with a bad token sees."""

import pytest

from functions.gateway.exchange import Header
from functions.gateway.stages.authenticate import authenticate
from runtime.http.problem import FORBIDDEN, KEYS_UNAVAILABLE, UNAUTHENTICATED, Problem
from runtime.identity.verifier import Verifier
from tests.exchanges import Below, exchange
from tests.tokens import Signer


class Source:
    """Gives the signer's keys, and counts how often it was asked; fails while it is `away`."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.asked = 0
        self.away = False

    async def __call__(self) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("nobody answers")
        return self.signer.key_set


@pytest.fixture
def source() -> Source:
    return Source(Signer())


@pytest.fixture
def verifier(source: Source) -> Verifier:
    return Verifier(source, issuer="portico", audience="portico")


def bearing(token: str) -> list[Header]:
    return [(b"accept", b"*/*"), (b"authorization", f"Bearer {token}".encode())]


async def refusal(verifier: Verifier, headers: list[Header], role: str | None = None) -> Problem:
    below = Below()
    with pytest.raises(Problem) as raised:
        await authenticate(verifier, role)(below)(exchange(headers=headers))
    assert below.seen == []
    return raised.value


async def test_a_valid_token_says_who_is_calling(source: Source, verifier: Verifier) -> None:
    below = Below()
    await authenticate(verifier)(below)(exchange(headers=bearing(source.signer.token(sub="grace"))))
    principal = below.seen[0].principal
    assert principal is not None
    assert (principal.id, principal.role) == ("grace", "member")


async def test_the_function_gets_the_token_too(source: Source, verifier: Verifier) -> None:
    headers = bearing(source.signer.token())
    below = Below()
    await authenticate(verifier)(below)(exchange(headers=headers))
    assert below.seen[0].headers == headers


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Basic YTpi")], [(b"authorization", b"Bearer")]])
async def test_without_a_token_a_client_is_told_which_kind_is_needed(headers: list[Header], verifier: Verifier) -> None:
    problem = await refusal(verifier, headers)
    assert problem.kind is UNAUTHENTICATED
    assert (b"www-authenticate", b"Bearer") in problem.headers


async def test_a_bad_token_is_called_so(source: Source, verifier: Verifier) -> None:
    problem = await refusal(verifier, bearing(source.signer.token() + "x"))
    assert problem.kind is UNAUTHENTICATED
    assert (b"www-authenticate", b'Bearer error="invalid_token"') in problem.headers


async def test_a_token_without_the_role_is_forbidden(source: Source, verifier: Verifier) -> None:
    problem = await refusal(verifier, bearing(source.signer.token()), "admin")
    assert problem.kind is FORBIDDEN
    assert (b"www-authenticate", b'Bearer error="insufficient_scope"') in problem.headers


async def test_a_token_with_the_role_passes(source: Source, verifier: Verifier) -> None:
    below = Below()
    await authenticate(verifier, "admin")(below)(exchange(headers=bearing(source.signer.token(role="admin"))))
    assert len(below.seen) == 1


async def test_a_verdict_is_kept_for_one_role_and_asked_again_for_the_other(source: Source, verifier: Verifier) -> None:
    headers = bearing(source.signer.token())
    await authenticate(verifier)(Below())(exchange(headers=headers))
    assert (await refusal(verifier, headers, "admin")).kind is FORBIDDEN
    assert source.asked == 1


async def test_without_keys_nobody_gets_in_and_nobody_is_blamed(source: Source, verifier: Verifier) -> None:
    source.away = True
    problem = await refusal(verifier, bearing(source.signer.token()))
    assert problem.kind is KEYS_UNAVAILABLE
    assert (b"retry-after", b"1") in problem.headers


async def test_who_is_known_gets_in_while_the_keys_are_away(source: Source, verifier: Verifier) -> None:
    headers = bearing(source.signer.token())
    await authenticate(verifier)(Below())(exchange(headers=headers))
    source.away = True
    below = Below()
    await authenticate(verifier)(below)(exchange(headers=headers))
    assert len(below.seen) == 1


async def test_a_token_whose_session_has_ended_is_refused_also_when_it_was_let_in_before(
    source: Source, verifier: Verifier
) -> None:
    headers = bearing(source.signer.token(sid="over"))
    ended: set[str] = set()
    below = Below()
    handler = authenticate(verifier, ended=ended)(below)
    await handler(exchange(headers=headers))
    ended.add("over")
    with pytest.raises(Problem) as raised:
        await handler(exchange(headers=headers))
    assert raised.value.kind is UNAUTHENTICATED
    assert (b"www-authenticate", b'Bearer error="invalid_token"') in raised.value.headers
    assert len(below.seen) == 1
    await handler(exchange(headers=bearing(source.signer.token(sid="another"))))
    assert len(below.seen) == 2


@pytest.mark.parametrize("others", [b"Bearer x", b"Basic YTpi", b""])
async def test_two_credentials_are_none_whichever_comes_first(
    source: Source, verifier: Verifier, others: bytes
) -> None:
    good = bearing(source.signer.token())
    for headers in ([*good, (b"authorization", others)], [(b"authorization", others), *good], [*good, *good]):
        problem = await refusal(verifier, headers)
        assert (b"www-authenticate", b'Bearer error="invalid_token"') in problem.headers
