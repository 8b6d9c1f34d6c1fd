"""The order of a request, and that a policy which a route does not have costs it nothing."""

from dataclasses import replace

import pytest

from functions.gateway.exchange import Exchange, Header
from functions.gateway.instances.watch import Membership
from functions.gateway.pipeline import Parts, build, identified, name, random_below, random_id, stages
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.identify import trusting
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.telemetry import Telemetry
from functions.gateway.upstreams import upstream
from runtime.http.problem import Problem
from runtime.identity.verifier import Verifier
from runtime.telemetry.metrics import Metrics
from tests.exchanges import Below, exchange, manifest, route
from tests.tokens import Signer

SIGNER = Signer()


async def keys() -> bytes:
    return SIGNER.key_set


@pytest.fixture
def parts() -> Parts:
    return Parts(
        trusted=trusting(""),
        permits=MemoryPermits(lambda: 0),
        verifier=Verifier(keys, issuer="portico", audience="portico"),
        upstreams={"things": upstream(manifest(), Membership("things"), Client(), lambda: 0.0, lambda: None)},
        client=Client(),
        telemetry=Telemetry(Metrics()),
        levels=Levels(1024),
        fills=Fills(lambda: 0.0),
        cached={"things": ()},
        new_id=lambda: "new",
    )


def order(parts: Parts, **policy: object) -> list[str]:
    first, *others = [name(stage) for stage in stages(route("GET /things", **policy), parts)]
    assert first == "observe"
    return others


def test_the_order_of_a_route_that_asks_for_everything(parts: Parts) -> None:
    everything = order(parts, limit="10/1s", limits={"address": "20/1s by address"}, cache="shared", cors=["*"])
    before = ["fit", "identify", "cors", "accept", "guard", "authenticate", "limit", "deadline"]
    assert everything == [*before, "cache", "shed", "retry", "balance", "breaker"]


def test_only_a_route_that_takes_bodies_keeps_them(parts: Parts) -> None:
    names = [name(stage) for stage in stages(route("POST /things", auth="public"), parts)]
    assert names[4:] == ["deadline", "invalidate", "keep", "shed", "retry", "balance", "breaker"]


def test_a_public_route_that_asks_for_little_has_a_short_way(parts: Parts) -> None:
    assert order(parts, auth="public", retries=0) == [
        "fit",
        "identify",
        "accept",
        "deadline",
        "shed",
        "balance",
        "breaker",
    ]


def test_only_what_goes_to_a_service_of_others_can_lead_back(parts: Parts) -> None:
    """It is told before a permit, a place in a line or a fill of the cache is taken, which the first round may hold."""
    legacy = upstream(
        manifest(own={"app": None, "upstream": {"url": "http://legacy.example"}}),
        Membership("things"),
        parts.client,
        lambda: 0.0,
        lambda: None,
    )
    way = order(replace(parts, upstreams={"things": legacy}), cors=["*"], limit="10/1s", cache="shared")
    assert way[:5] == ["fit", "identify", "cors", "loop", "accept"]


@pytest.mark.parametrize("policy", [{"limit": "10/1s"}, {"limits": {"flood": "10/1s by address"}}])
def test_a_public_route_is_limited_by_address_however_that_is_said(parts: Parts, policy: dict[str, object]) -> None:
    assert order(parts, auth="public", **policy)[:4] == ["fit", "identify", "accept", "limit"]


async def refusal(parts: Parts, *headers: Header, **policy: object) -> Problem:
    with pytest.raises(Problem) as raised:
        await build(route("GET /things", **policy), parts)(exchange(headers=headers))
    return raised.value


async def test_a_flood_of_bad_tokens_costs_its_sender(parts: Parts) -> None:
    handler = build(route(limits={"address": "1/1m by address"}), parts)
    kinds = []
    for _ in range(2):
        with pytest.raises(Problem) as raised:
            await handler(exchange(headers=[(b"authorization", b"Bearer forged")]))
        kinds.append(raised.value.kind.slug)
    assert kinds == ["unauthenticated", "quota-exceeded"]


async def test_two_limits_of_a_route_are_told_apart(parts: Parts) -> None:
    bearing = (b"authorization", f"Bearer {SIGNER.token()}".encode())
    problem = await refusal(parts, bearing, limit="10/1m", limits={"flood": "20/1m by address"})
    told = {value for name, value in problem.headers if name == b"ratelimit"}
    assert told == {b'"default";r=9;t=6, "flood";r=19;t=3'}


async def test_a_limit_without_a_name_is_the_default_one(parts: Parts) -> None:
    bearing = (b"authorization", f"Bearer {SIGNER.token()}".encode())
    problem = await refusal(parts, bearing, limit="20/1m")
    assert (b"ratelimit-policy", b'"default";q=20;w=60') in problem.headers


async def test_requests_without_a_route_are_identified_too(parts: Parts) -> None:
    seen: list[Exchange] = (below := Below()).seen
    await identified(parts)(below)(exchange())
    assert seen[0].request_id == "new"


def test_an_id_is_one_that_the_gateway_would_take_from_a_client() -> None:
    assert {len(random_id()) for _ in range(10)} == {32}
    assert random_id() != random_id()


@pytest.mark.parametrize("bound", [1, 2, 16])
def test_a_draw_is_below_its_bound(bound: int) -> None:
    assert {random_below(bound) for _ in range(500)} == set(range(bound))
