"""Who of a function's endpoints may be asked: never less than half of them, unless all are broken."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.breaker.circuit import PROBES, Rules, State
from functions.gateway.stages.breaker.circuits import Circuits

RULES = Rules(consecutive=1, open=1.0)


def circuits() -> Circuits:
    return Circuits(RULES, lambda: 0.0)


def fail(function: Circuits, address: str, now: float) -> None:
    circuit = function.of(address)
    circuit.failed(circuit.enter(now), now)


def failing(addresses: str) -> Circuits:
    """Circuits of which these opened, one after the other, within a tenth of a second."""
    function = circuits()
    for number, address in enumerate(addresses):
        fail(function, address, number / 100)
    return function


@pytest.mark.parametrize(
    ("alive", "failed", "admitted"),
    [
        ("abc", "", "abc"),
        ("abc", "a", "bc"),
        ("abc", "ab", "bc"),  # two of three would be too many: the one that failed last is asked
        ("abc", "ba", "ac"),
        ("abc", "abc", ""),
        ("ab", "a", "b"),
        ("ab", "ab", ""),
        ("a", "a", ""),
        ("abcd", "abc", "cd"),
    ],
)
def test_at_most_half_are_left_out_unless_all_are_open(alive: str, failed: str, admitted: str) -> None:
    assert "".join(failing(failed).admitted(alive, 0.5)) == admitted


def test_of_a_function_that_is_open_as_a_whole_only_probes_are_let_through() -> None:
    function = failing("abc")
    assert list(function.admitted("abc", 1.005)) == ["a"]
    for _ in range(PROBES):
        function.of("a").enter(1.005)
    assert list(function.admitted("abc", 1.005)) == []


def test_who_is_told_to_come_back_is_told_when_the_first_may_be_probed() -> None:
    assert failing("ab").retry_after("ab", 0.25) == 0.75


def test_each_opening_is_told() -> None:
    told: list[int] = []
    function = Circuits(RULES, lambda: 0.0, lambda: told.append(1))
    fail(function, "a", 0.0)
    fail(function, "a", 5.0)
    assert len(told) == 2


def test_an_endpoint_that_comes_back_begins_anew() -> None:
    function = failing("a")
    late = function.of("a")
    function.forget("a")
    late.failed(late.generation - 1, 0.0)
    assert not function.disturbed
    assert function.of("a").state is State.CLOSED


def test_states_are_counted() -> None:
    function = failing("ab")
    function.of("b").enter(9.0)
    assert function.states("abc") == {State.CLOSED: 1, State.OPEN: 1, State.HALF_OPEN: 1}


EVENTS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["fail", "succeed", "forget"])), max_size=60)


@given(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1), EVENTS)
def test_whatever_happened_the_law_of_ejection_holds(alive: Sequence[str], events: list[tuple[str, str]]) -> None:
    function = circuits()
    for second, (address, event) in enumerate(events):
        now = second / 4
        if event == "forget":
            function.forget(address)
            continue
        circuit = function.of(address)
        if circuit.lets(now):
            generation = circuit.enter(now)
            circuit.failed(generation, now) if event == "fail" else circuit.succeeded(generation)
    now = len(events) / 4
    closed = {address for address in alive if function.of(address).state is State.CLOSED}
    admitted = set(function.admitted(alive, now))
    assert closed <= admitted
    assert not closed or len(admitted) >= len(alive) / 2
    assert closed or admitted == {address for address in alive if function.of(address).lets(now)}
