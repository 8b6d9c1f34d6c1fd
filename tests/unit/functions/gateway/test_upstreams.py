"""What a manifest says of a function as a whole, and what the gateway decides where it says nothing."""

import pytest

from functions.gateway.instances.watch import Membership
from functions.gateway.routes import compile_routes
from functions.gateway.stages.breaker.circuit import State
from functions.gateway.stages.forward.client import Client
from functions.gateway.upstreams import Upstream, upstream
from runtime.http.validation import convert
from runtime.manifest import Manifest, ManifestError


def manifest(**tables: object) -> Manifest:
    return convert({"name": "things", "app": {"module": "things"}, **tables}, Manifest)


def made(**tables: object) -> Upstream:
    return upstream(manifest(**tables), Membership("things"), Client(), lambda: 0.0, lambda: None)


def test_what_is_not_said_the_gateway_decides() -> None:
    assert made().gate.bound.limit == 200


def test_a_function_may_begin_with_less_in_flight() -> None:
    assert made(concurrency={"start": 50, "most": 40}).gate.bound.limit == 40


def test_a_function_may_be_given_up_sooner() -> None:
    circuit = made(circuit={"consecutive": 1, "open": "2s"}).circuits.of("a")
    circuit.failed(circuit.enter(0.0), 0.0)
    assert (circuit.state, circuit.until) == (State.OPEN, 2.0)


def test_an_instance_that_left_is_forgotten() -> None:
    members = Membership("things")
    function = upstream(manifest(circuit={"consecutive": 1}), members, Client(), lambda: 0.0, lambda: None)
    members.update(frozenset({"a"}))
    function.circuits.of("a").failed(0, 0.0)
    members.update(frozenset())
    assert not function.circuits.disturbed


def test_a_service_of_others_is_called_by_the_name_in_its_url() -> None:
    said = {"name": "legacy", "upstream": {"url": "https://legacy.example:8443"}}
    made = upstream(convert(said, Manifest), Membership("legacy"), Client(), lambda: 0.0, lambda: None)
    assert made.host == b"legacy.example:8443"


def test_nothing_is_shared_between_functions() -> None:
    one, other = made(), made()
    assert one.gate is not other.gate
    assert one.budget is not other.budget


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("circuit", {"consecutive": 21}),
        ("circuit", {"ratio": 0.9}),
        ("circuit", {"longest": "1m"}),
        ("concurrency", {"most": 5001}),
        ("concurrency", {"queue": 5001}),
    ],
)
def test_nothing_may_be_looser_than_the_gateway_allows(table: str, said: dict[str, object]) -> None:
    with pytest.raises(ManifestError) as raised:
        compile_routes([manifest(**{table: said})])
    assert f"things: {table}.{next(iter(said))} is above the gateway's ceiling" in raised.value.lines[0]
