"""runtime/identity/authenticated.py: who may call a handler."""

from collections.abc import Mapping

import msgspec
import pytest
from litestar.testing import RequestFactory

from runtime.http.problem import Problem
from runtime.identity.authenticated import principal, require_recent, require_role
from runtime.identity.verifier import Principal, Verifier

ANN = Principal("ann", "user", "session", authenticated_at=1000, expires_at=2000.0)


class Asked(Verifier):
    """Believes every token, and tells which it was asked about."""

    def __init__(self) -> None:
        self.tokens: list[str] = []

    async def verify(self, token: str) -> Principal:
        self.tokens.append(token)
        return ANN


def challenge(refused: Problem) -> str:
    return dict(refused.headers)[b"www-authenticate"].decode()


async def test_the_bearer_token_of_a_request_is_verified() -> None:
    verifier = Asked()
    request = RequestFactory().get("/", headers={"Authorization": "Bearer x.y.z"})
    assert await principal(request, verifier) == ANN
    assert verifier.tokens == ["x.y.z"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic QQ=="}])
async def test_a_request_without_one_is_challenged(headers: Mapping[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        await principal(RequestFactory().get("/", headers=dict(headers)), Asked())
    assert (refused.value.kind.slug, challenge(refused.value)) == ("unauthenticated", "Bearer")


async def test_a_request_with_two_is_refused_whichever_is_good() -> None:
    """The gateway might have judged the other one."""
    request = RequestFactory().get("/")
    request.scope["headers"] = [(b"authorization", b"Bearer x.y.z"), (b"authorization", b"Bearer x.y.z")]
    with pytest.raises(Problem) as refused:
        await principal(request, Asked())
    assert challenge(refused.value) == 'Bearer error="invalid_token"'


def test_another_role_is_not_enough() -> None:
    require_role(msgspec.structs.replace(ANN, role="admin"), "admin")
    with pytest.raises(Problem) as refused:
        require_role(ANN, "admin")
    assert (refused.value.kind.slug, challenge(refused.value)) == ("forbidden", 'Bearer error="insufficient_scope"')


@pytest.mark.parametrize("now", [1000.0, 1299.9])
def test_a_login_is_recent_for_five_minutes(now: float) -> None:
    require_recent(ANN, now)


@pytest.mark.parametrize("now", [1300.0, 90_000.0])
def test_an_older_login_is_not_enough_and_the_challenge_says_what_is(now: float) -> None:
    with pytest.raises(Problem) as refused:
        require_recent(ANN, now)
    assert refused.value.kind.slug == "unauthenticated"
    assert challenge(refused.value) == 'Bearer error="insufficient_user_authentication", max_age=300'
