"""What becomes of an API key on its way: the function never sees one, and wrong ones cost who sends them."""

import msgspec
import pytest

from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.stages.authenticate import authenticate
from functions.gateway.stages.keep import keep
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.swap.stage import WRONG, swap, withhold
from functions.gateway.stages.swap.tokens import Swapped, Tokens
from runtime.http.problem import QUOTA_EXCEEDED, UNAUTHENTICATED, Problem
from runtime.identity.verifier import Refused, Verifier, bearer, invalid
from tests.exchanges import Below, exchange
from tests.tokens import Signer

PREFIX = "acme_"


class House:
    """Good keys, and the stages from the swap to a function below."""

    def __init__(self, *good: str) -> None:
        self.good = set(good)
        self.asked: list[str] = []
        self.signer = Signer()
        self.below = Below()
        self.ended: set[str] = set()
        self.verifier = Verifier(self._keys, issuer="portico", audience="portico")
        self.tokens = Tokens(self._swap)
        stage = swap(self.tokens, PREFIX, MemoryPermits(lambda: 0), self.verifier)
        self.handler: Handler = stage(authenticate(self.verifier, ended=self.ended)(self.below))

    async def called(self, *credentials: str, client: str = "192.0.2.1") -> Exchange:
        headers = [(b"accept", b"*/*"), *((b"authorization", each.encode()) for each in credentials)]
        await self.handler(exchange(headers=headers, client=client))
        return self.below.seen[-1]

    async def _keys(self) -> bytes:
        return self.signer.key_set

    async def _swap(self, key: str) -> bytes | None:
        self.asked.append(key)
        if key not in self.good:
            return None
        return msgspec.json.encode(Swapped(self.signer.token(sub="ann", sid=key), 900))


async def refusal(house: House, *credentials: str, client: str = "192.0.2.1") -> Problem:
    with pytest.raises(Problem) as raised:
        await house.called(*credentials, client=client)
    return raised.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER ", "Bearer  "])
async def test_the_function_sees_an_ordinary_token_and_the_gateway_who_it_is(scheme: str) -> None:
    house = House("acme_1")
    seen = await house.called(f"{scheme} acme_1")
    assert seen.principal is not None
    assert (seen.principal.id, seen.principal.session, seen.keyed) == ("ann", "acme_1", True)
    assert not any(b"acme_" in value for _, value in seen.headers)
    token = seen.headers[-1][1].removeprefix(b"Bearer ").decode()
    assert (await house.verifier.verify(token)).id == "ann"


async def test_a_key_is_asked_for_once() -> None:
    house = House("acme_1")
    for _ in range(3):
        await house.called("Bearer acme_1")
    assert house.asked == ["acme_1"]


async def test_a_token_passes_as_it_came() -> None:
    house = House()
    token = f"Bearer {house.signer.token()}"
    seen = await house.called(token)
    assert (seen.keyed, seen.headers[-1]) == (False, (b"authorization", token.encode()))


@pytest.mark.parametrize("rest", [" x", "\tx", ",acme_1", " " * 50_000 + "x"])
async def test_a_key_with_anything_behind_it_is_none(rest: str) -> None:
    house = House("acme_1")
    assert (await refusal(house, f"Bearer acme_1{rest}")).kind is UNAUTHENTICATED
    assert house.asked == []


@pytest.mark.parametrize("others", [["Bearer x"], ["Bearer acme_1"], ["Basic YTpi"]])
async def test_a_key_beside_other_credentials_is_refused(others: list[str]) -> None:
    house = House("acme_1")
    for credentials in (["Bearer acme_1", *others], [*others, "Bearer acme_1"]):
        assert (await refusal(house, *credentials)).kind is UNAUTHENTICATED
    assert house.below.seen == []


async def test_one_that_is_none_is_called_a_bad_token_and_nothing_more() -> None:
    problem = await refusal(House(), "Bearer acme_1")
    assert isinstance(problem, Refused)
    assert problem.detail == "The token is not valid."
    assert (b"www-authenticate", b'Bearer error="invalid_token"') in problem.headers


async def test_a_key_that_has_ended_is_refused_and_asked_for_no_more() -> None:
    house = House("acme_1")
    await house.called("Bearer acme_1")
    house.good.clear()
    house.ended.add("acme_1")
    for _ in range(3):
        assert isinstance(await refusal(house, "Bearer acme_1"), Refused)
    assert house.asked == ["acme_1", "acme_1"]


async def test_a_signing_key_that_was_withdrawn_costs_no_request() -> None:
    house = House("acme_1")
    await house.called("Bearer acme_1")
    house.signer = Signer("another")
    await house.verifier.renew()
    await house.called("Bearer acme_1")
    assert house.asked == ["acme_1", "acme_1"]


class Ahead:
    """A function that has heard, before its gateway, that a signing key was withdrawn."""

    def __init__(self, signer: Signer) -> None:
        self.verifier = Verifier(self._keys, issuer="portico", audience="portico")
        self.signer = signer
        self.bodies: list[bytes | None] = []
        self.finished = 0

    async def __call__(self, exchange: Exchange) -> Response:
        self.bodies.append(exchange.body)
        try:
            await self.verifier.verify(bearer(dict(exchange.headers)[b"authorization"]))
        except Refused as refusal:
            return Response(401, list(refusal.headers), at_end=[self._finish])
        return Response(200, [])

    def _finish(self) -> None:
        self.finished += 1

    async def _keys(self) -> bytes:
        return self.signer.key_set


async def _withdrawn(body: bytes, length: int | None) -> tuple[Ahead, list[int]]:
    """Two calls with a key whose token the gateway still believes, and the function does not."""
    house = House("acme_1")
    await house.called("Bearer acme_1")
    house.signer = Signer("another")
    ahead = Ahead(house.signer)
    behind = swap(house.tokens, PREFIX, MemoryPermits(lambda: 0), house.verifier)(
        authenticate(house.verifier)(keep()(ahead))
    )
    statuses = []
    for _ in range(2):
        asked = exchange(b"POST", b"/things", [(b"authorization", b"Bearer acme_1")], body, length=length)
        statuses.append((await behind(asked)).status)
    return ahead, statuses


@pytest.mark.parametrize(("body", "length"), [(b"", 0), (b"{}", 2)])
async def test_a_function_that_hears_first_of_a_withdrawn_key_costs_no_request_either(body: bytes, length: int) -> None:
    ahead, statuses = await _withdrawn(body, length)
    assert statuses == [200, 200]
    assert ahead.bodies == [body or None] * 3
    assert ahead.finished == 1


async def test_a_body_that_is_not_held_is_not_sent_again_but_the_next_request_passes() -> None:
    ahead, statuses = await _withdrawn(b"{}", None)
    assert (statuses, ahead.finished) == ([401, 200], 0)


@pytest.mark.parametrize("headers", [[], [(b"www-authenticate", b'Bearer error="insufficient_user_authentication"')]])
async def test_another_refusal_of_a_function_is_its_answer(headers: list[Header]) -> None:
    house = House("acme_1")

    async def below(_exchange: Exchange) -> Response:
        return Response(401, headers)

    handler = swap(house.tokens, PREFIX, MemoryPermits(lambda: 0), house.verifier)(below)
    for _ in range(2):
        assert (await handler(exchange(headers=[(b"authorization", b"Bearer acme_1")]))).status == 401
    assert house.asked == ["acme_1"]


async def test_who_guesses_is_refused_unasked_after_a_while_and_nobody_else_is() -> None:
    house = House("acme_1", "acme_2")
    await house.called("Bearer acme_1")
    most = WRONG.policies.limits[0].burst
    kinds = [(await refusal(house, f"Bearer acme_wrong{number}")).kind for number in range(most + 10)]
    assert kinds == [UNAUTHENTICATED] * most + [QUOTA_EXCEEDED] * 10
    assert len(house.asked) == 1 + most
    await house.called("Bearer acme_1")  # is known already
    await house.called("Bearer acme_2", client="198.51.100.7")


async def test_the_same_wrong_one_again_and_again_costs_one_permit_only() -> None:
    house = House("acme_1")
    for _ in range(100):
        await refusal(house, "Bearer acme_wrong")
    await house.called("Bearer acme_1")


async def test_a_refusal_from_below_comes_through_when_it_comes_again() -> None:
    house = House("acme_1")
    house.below = below = Below(invalid("always"))
    handler = swap(house.tokens, PREFIX, MemoryPermits(lambda: 0), house.verifier)(below)
    for times in (1, 3):
        with pytest.raises(Refused):
            await handler(exchange(headers=[(b"authorization", b"Bearer acme_1")]))
        assert len(below.seen) == times


@pytest.mark.parametrize(
    ("sent", "passes"),
    [
        ((b"authorization", b"Bearer acme_1"), False),
        ((b"authorization", b"bearer   acme_"), False),
        ((b"authorization", b"bearer acme_1 and more"), False),
        ((b"authorization", b"Bearer a.b.c"), True),
        ((b"authorization", b"Basic acme_"), True),
        ((b"x-other", b"Bearer acme_1"), True),
    ],
)
async def test_on_a_public_route_a_key_goes_no_further(sent: Header, passes: bool) -> None:  # noqa: FBT001  a parameter
    below = Below()
    answer = await withhold(PREFIX)(below)(exchange(headers=[(b"accept", b"*/*"), sent]))
    assert isinstance(answer, Response)
    assert below.seen[0].headers == [(b"accept", b"*/*"), *([sent] if passes else [])]
