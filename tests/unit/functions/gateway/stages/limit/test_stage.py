"""The limit stages as a client and the stages around it see it."""

from dataclasses import dataclass

import msgspec
import pytest

from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Verdict
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import Policies
from functions.gateway.stages.limit.stage import Limits, guard, limit
from runtime.http.problem import FORBIDDEN, KEYS_UNAVAILABLE, UNAUTHENTICATED, UNREACHABLE, Kind, Problem
from runtime.identity.verifier import Principal
from runtime.units import Rule

PLACE = "users GET /users/{id}"


@dataclass
class Route:
    function: str = "users"
    template: str = "GET /users/{id}"


async def nothing() -> bytes:
    return b""


def exchange(client: str = "192.0.2.1", principal: str = "", template: str = "GET /users/{id}") -> Exchange:
    made = Exchange(Route(template=template), b"GET", b"/users/1", [], nothing, 0, client)  # type: ignore[arg-type]  # two names are all that is read
    made.principal = Principal(principal, "member", "s", 0, 0.0) if principal else None
    return made


async def answer(_: Exchange) -> Response:
    return Response(200, [(b"etag", b'"1"')])


async def fail(_: Exchange) -> Response:
    raise Problem(UNREACHABLE, headers=[(b"proxy-status", b"portico")])


def rules(**texts: str) -> Limits:
    return Limits(PLACE, {name: Rule.parse(text) for name, text in texts.items()})


def behind(policy: str, handler: Handler = answer) -> Handler:
    return limit(MemoryPermits(lambda: 0), rules(default=f"{policy} by address"))(handler)


async def refusal(handler: Handler, asked: Exchange) -> Problem:
    with pytest.raises(Problem) as raised:
        await handler(asked)
    return raised.value


def named(headers: list[Header] | tuple[Header, ...]) -> dict[bytes, bytes]:
    return dict(headers)


async def test_an_admitted_request_is_told_its_limit() -> None:
    response = await behind("100/1m")(exchange())
    assert response.status == 200
    assert response.headers == [
        (b"etag", b'"1"'),
        (b"ratelimit-policy", b'"default";q=100;w=60'),
        (b"ratelimit", b'"default";r=99;t=1'),
    ]


async def test_a_refused_request_is_told_when_to_come_back() -> None:
    handler = behind("1/1m")
    await handler(exchange())
    problem = await refusal(handler, exchange())
    assert problem.kind.status == 429
    assert named(problem.headers) == {
        b"ratelimit-policy": b'"default";q=1;w=60',
        b"ratelimit": b'"default";r=0;t=60',
        b"retry-after": b"60",
    }


async def test_a_refused_request_names_the_policy_it_violates() -> None:
    handler = behind("1/1m")
    await handler(exchange())
    body = msgspec.json.decode((await refusal(handler, exchange())).body("/users/1", "id"))
    assert body["type"] == "/problems/quota-exceeded"
    assert body["violated-policies"] == ["default"]


async def test_a_refused_request_goes_no_further() -> None:
    served = []

    async def count(asked: Exchange) -> Response:
        served.append(asked)
        return Response(200, [])

    handler = behind("1/1m", count)
    await handler(exchange())
    await refusal(handler, exchange())
    assert len(served) == 1


async def test_a_problem_from_further_in_carries_the_fields_too() -> None:
    problem = await refusal(behind("100/1m", fail), exchange())
    assert problem.kind is UNREACHABLE
    assert named(problem.headers) == {
        b"proxy-status": b"portico",
        b"ratelimit-policy": b'"default";q=100;w=60',
        b"ratelimit": b'"default";r=99;t=1',
    }


async def test_limits_of_a_route_are_told_under_their_own_names() -> None:
    several = rules(default="10/1m by principal", address="20/1m by address", daily="1000/1d by route")
    response = await limit(MemoryPermits(lambda: 0), several)(answer)(exchange(principal="u1"))
    assert (
        named(response.headers)[b"ratelimit-policy"]
        == b'"default";q=10;w=60, "address";q=20;w=60, "daily";q=1000;w=86400'
    )
    assert named(response.headers)[b"ratelimit"] == b'"default";r=9;t=6, "address";r=19;t=3, "daily";r=999;t=87'


async def test_a_refusal_names_the_policies_it_violates_and_takes_from_none() -> None:
    handler = limit(MemoryPermits(lambda: 0), rules(few="1/1m by address", many="5/1m by route"))(answer)
    await handler(exchange())
    for _ in range(3):
        problem = await refusal(handler, exchange())
        assert problem.members["violated-policies"] == ["few"]
        assert named(problem.headers)[b"ratelimit"] == b'"few";r=0;t=60, "many";r=4;t=12'


class Away(MemoryPermits):
    """What a store that is away leaves to a route: nothing (open), or nobody passes (closed)."""

    async def take(self, policies: Policies, _keys: tuple[str, ...]) -> Verdict:
        if policies.on_failure == "closed":
            raise Unavailable
        return Admission(())


async def test_where_nobody_decides_an_open_route_says_nothing_of_limits() -> None:
    response = await limit(Away(), Limits(PLACE, {"default": Rule.parse("1/1m by route")}, "open"))(answer)(exchange())
    assert response.headers == [(b"etag", b'"1"')]


async def test_where_nobody_decides_a_closed_route_is_a_problem_that_passes() -> None:
    closed = Limits(PLACE, {"default": Rule.parse("1/1m by route")}, "closed")
    problem = await refusal(limit(Away(), closed)(answer), exchange())
    assert (problem.kind.slug, problem.kind.status) == ("dependency-unavailable", 503)
    assert named(problem.headers) == {b"retry-after": b"1"}


def guarded(*kinds: Kind) -> tuple[Handler, list[Exchange]]:
    """A route on which the first requests fail to authenticate, and what reached authentication."""
    permits, seen, failing = MemoryPermits(lambda: 0), list[Exchange](), [*kinds]
    several = rules(default="9/1m by principal", address="2/1m by address")
    within = limit(permits, several)(answer)

    async def authenticate(asked: Exchange) -> Response:
        seen.append(asked)
        if failing:
            raise Problem(failing.pop(0))
        return await within(asked)

    return guard(permits, rules(address="2/1m by address"))(authenticate), seen


async def kinds_of(handler: Handler, times: int) -> list[str]:
    return [(await refusal(handler, exchange(principal="u1"))).kind.slug for _ in range(times)]


@pytest.mark.parametrize("kind", [UNAUTHENTICATED, FORBIDDEN])
async def test_who_fails_to_authenticate_pays_for_it(kind: Kind) -> None:
    handler, seen = guarded(*[kind] * 9)
    assert await kinds_of(handler, 4) == [kind.slug] * 2 + ["quota-exceeded"] * 2
    assert len(seen) == 2  # who has used up what his address may is not authenticated at all


async def test_who_fails_to_authenticate_is_told_what_it_cost() -> None:
    handler, _ = guarded(UNAUTHENTICATED)
    problem = await refusal(handler, exchange())
    assert named(problem.headers)[b"ratelimit"] == b'"address";r=1;t=30'


async def test_a_failure_that_is_ours_costs_nothing() -> None:
    handler, _ = guarded(*[KEYS_UNAVAILABLE] * 5)
    assert await kinds_of(handler, 5) == ["keys-unavailable"] * 5
    assert (await handler(exchange(principal="u1"))).status == 200


async def test_who_is_authenticated_pays_once() -> None:
    handler, _ = guarded()
    told = [named((await handler(exchange(principal="u1"))).headers)[b"ratelimit"] for _ in range(2)]
    assert told == [b'"default";r=8;t=7, "address";r=1;t=30', b'"default";r=7;t=7, "address";r=0;t=30']
    assert await kinds_of(handler, 1) == ["quota-exceeded"]


async def test_a_problem_of_the_function_costs_one_permit() -> None:
    permits = MemoryPermits(lambda: 0)
    within = limit(permits, rules(address="2/1m by address"))(fail)
    handler = guard(permits, rules(address="2/1m by address"))(within)
    assert named((await refusal(handler, exchange())).headers)[b"ratelimit"] == b'"address";r=1;t=30'
