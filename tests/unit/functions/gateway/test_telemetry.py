"""What the gateway tells of itself, as Prometheus reads it."""

from collections.abc import Mapping

import pytest

from functions.gateway.instances.watch import Membership
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.limit.bucket import Verdict
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import Policies
from functions.gateway.telemetry import Telemetry
from functions.gateway.upstreams import upstream
from runtime.telemetry.metrics import Family, Metrics, Number
from tests.exchanges import manifest
from tests.lending import policies

ONCE = policies("1/1h")


class Shared(MemoryPermits):
    """Shared permits, until their store is away."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.away = False
        self.decisions: dict[tuple[str, ...], int] = {("leased", "admitted"): 7}
        self.asked, self.held, self.active = 3, 5, 2

    async def take(self, asked: Policies, keys: tuple[str, ...]) -> Verdict:
        if self.away:
            raise Unavailable
        return await super().take(asked, keys)

    def forget(self) -> None:
        pass

    async def lost(self) -> bool:
        return self.away

    async def meet(self, _within: float) -> float:
        raise Unavailable

    async def seed(self, _debts: Mapping[str, int]) -> None:
        raise Unavailable


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def telemetry(metrics: Metrics) -> Telemetry:
    return Telemetry(metrics)


def shown(metrics: Metrics, name: str) -> set[str]:
    """The samples of one family, less its name."""
    return {line.removeprefix(name) for line in metrics.text().decode().splitlines() if line.startswith(name)}


def test_requests_are_counted_by_route_and_status(metrics: Metrics, telemetry: Telemetry) -> None:
    meter = telemetry.requests("users", "GET /users/{id}")
    for status in (200, 200, 404):
        meter.begun()
        meter.answered(status, 0.25)
    meter.ended()
    route = 'function="users",route="GET /users/{id}"'
    assert shown(metrics, "portico_gateway_requests_total") == {
        f'{{{route},status="200"}} 2',
        f'{{{route},status="404"}} 1',
    }
    assert shown(metrics, "portico_gateway_requests_in_flight") == {f"{{{route}}} 2"}
    assert shown(metrics, "portico_gateway_request_duration_seconds_sum") == {f"{{{route}}} 0.75"}


def test_problems_are_counted_by_function(metrics: Metrics, telemetry: Telemetry) -> None:
    for route in ("GET /a", "GET /b"):
        telemetry.requests("users", route).refused("quota-exceeded")
    assert shown(metrics, "portico_gateway_problems_total") == {'{function="users",problem="quota-exceeded"} 2'}


def test_stages_retries_and_waits_are_told_by_those_who_have_them(metrics: Metrics, telemetry: Telemetry) -> None:
    telemetry.stage("limit")(0.5)
    telemetry.retries("users").retried()
    telemetry.retries("users").refused()
    telemetry.opened("users")()
    telemetry.waited(0.25)
    assert shown(metrics, "portico_gateway_stage_duration_seconds_sum") == {'{stage="limit"} 0.5'}
    for counted in ("retries", "retries_refused", "circuit_openings"):
        assert shown(metrics, f"portico_gateway_{counted}_total") == {'{function="users"} 1'}
    assert shown(metrics, "portico_gateway_upstream_wait_seconds_sum") == {" 0.25"}


async def test_what_parts_know_is_read_from_them(metrics: Metrics, telemetry: Telemetry) -> None:
    members = {"users": Membership("users"), "orders": Membership("orders")}
    members["users"].update(frozenset({"127.0.0.1:1", "127.0.0.1:2"}))
    shared = Shared()
    limits = Fallback(shared, shared, MemoryPermits(lambda: 0), live=lambda: 1)
    telemetry.watch(members, Client(), limits, shared)
    assert shown(metrics, "portico_gateway_upstream_instances") == {'{function="users"} 2', '{function="orders"} 0'}
    assert shown(metrics, "portico_gateway_upstream_connections") == {
        f'{{function="{name}",state="{state}"}} 0' for name in members for state in ("idle", "in_use")
    }
    assert shown(metrics, "portico_gateway_limit_local") == {" 0"}
    shared.away = True
    await limits.take(ONCE, ("b",))
    await limits.take(ONCE, ("b",))
    assert shown(metrics, "portico_gateway_limit_local") == {" 1"}
    assert shown(metrics, "portico_gateway_limit_decisions_total") == {
        '{store="leased",decision="admitted"} 7',
        '{store="local",decision="admitted"} 1',
        '{store="local",decision="refused"} 1',
    }
    assert shown(metrics, "portico_gateway_limit_questions_total") == {" 3"}
    assert shown(metrics, "portico_gateway_limit_leased_permits") == {" 5"}
    assert shown(metrics, "portico_gateway_limit_active_keys") == {" 2"}
    await limits.close()


def test_what_functions_are_reached_through_is_read_from_it(metrics: Metrics, telemetry: Telemetry) -> None:
    members = Membership("things")
    members.update(frozenset({"127.0.0.1:1", "127.0.0.1:2"}))
    things = upstream(manifest({"match": "GET /a"}), members, Client(), lambda: 0.0, lambda: None)
    telemetry.watch_upstreams({"things": things})
    things.gate.bound.in_flight = 3
    for _ in range(5):
        things.circuits.of("127.0.0.1:1").failed(0, 0.0)
    assert shown(metrics, "portico_gateway_circuits") == {
        f'{{function="things",state="{state}"}} {number}'
        for state, number in {"closed": 1, "open": 1, "half_open": 0}.items()
    }
    assert shown(metrics, "portico_gateway_concurrency{") == {'function="things"} 3'}
    assert shown(metrics, "portico_gateway_concurrency_limit") == {'{function="things"} 200'}
    assert shown(metrics, "portico_gateway_concurrency_waiting") == {'{function="things"} 0'}


def test_what_is_gone_is_forgotten_once_nothing_is_in_flight_there(metrics: Metrics, telemetry: Telemetry) -> None:
    gone, kept = telemetry.requests("a", "GET /gone"), telemetry.requests("a", "GET /kept")
    for meter in (gone, kept, telemetry.requests("b", "GET /b"), telemetry.requests("gateway", "none")):
        meter.begun()
        meter.answered(404, 0.1)
        meter.refused("not-found")
    gone.ended()
    telemetry.retries("b").retried()
    telemetry.opened("b")()
    telemetry.cached("b")("hit")
    assert not telemetry.keep({("a", "GET /kept")}, "gateway")
    page = metrics.text().decode()
    assert "/gone" not in page
    assert 'route="GET /b"' in page  # somebody is still served there
    telemetry.in_flight.of("b", "GET /b").value -= 1
    assert telemetry.keep({("a", "GET /kept")}, "gateway")
    page = metrics.text().decode()
    assert 'function="b"' not in page
    assert 'route="GET /kept"' in page
    assert 'function="gateway",route="none"' in page


def test_many_routes_are_forgotten_in_as_many_looks_as_one(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    known = Family.known

    def counted(family: Family[Number]) -> list[tuple[str, ...]]:
        nonlocal looks
        looks += 1
        return known(family)

    monkeypatch.setattr(Family, "known", counted)
    taken = []
    for routes in (1, 100):
        for number in range(routes):
            telemetry.requests("b", f"GET /{number}")
        looks = 0
        assert telemetry.keep(set())
        taken.append(looks)
    assert taken[0] == taken[1]


def test_which_manifests_are_served_is_one_series(metrics: Metrics, telemetry: Telemetry) -> None:
    served = ["abc"]
    telemetry.watch_revision(lambda: served[-1])
    served.append("def")
    assert shown(metrics, "portico_gateway_revision_info") == {'{revision="def"} 1'}
