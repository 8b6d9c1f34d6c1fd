"""Who of a function's instances may be asked: never less than half of them, unless all are broken."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.breaker.circuit import PROBES, Rules, State
from functions.gateway.stages.breaker.circuits import MOST, Call, Circuits

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


@pytest.mark.parametrize(
    ("alive", "ill", "away", "admitted"),
    [
        ("a", "a", "", "a"),  # a lone one that answers is asked, whatever it answers
        ("ab", "a", "", "b"),
        ("ab", "ab", "", "ab"),
        ("abc", "ab", "", "bc"),
        ("abc", "abc", "", "abc"),
        ("abc", "ab", "c", "ab"),
        ("abc", "a", "bc", "a"),
    ],
)
def test_where_no_circuit_is_closed_all_that_answer_are_asked(alive: str, ill: str, away: str, admitted: str) -> None:
    function = circuits()
    for number, address in enumerate(ill):
        function.of(address).failed(0, number / 100, reached=True)
    for address in away:
        fail(function, address, 0.2)
    assert "".join(function.admitted(alive, 0.5)) == admitted


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


def test_an_instance_that_comes_back_begins_anew() -> None:
    function = failing("a")
    late = function.of("a")
    function.forget("a")
    late.failed(late.generation - 1, 0.0)
    assert not function.disturbed
    assert function.of("a").state is State.CLOSED


@pytest.mark.parametrize("probes", [0, PROBES])
def test_to_whom_a_connection_was_made_is_there_whatever_it_answers(probes: int) -> None:
    function = failing("ab")
    for _ in range(probes):
        function.of("a").enter(1.0)
    assert not function.admitted("ab", 0.5 if not probes else 1.0)[1:]
    function.reached("a")
    function.reached("unknown")
    assert "a" in function.admitted("ab", 0.5)


def test_states_are_counted() -> None:
    function = failing("ab")
    function.of("b").enter(9.0)
    assert function.states("abc") == {State.CLOSED: 1, State.OPEN: 1, State.HALF_OPEN: 1}


class Crowd:
    """Who wait, by number; `called` are those that were."""

    def __init__(self, function: Circuits, size: int) -> None:
        self.called: list[int] = []
        self.calls = [self.call(number) for number in range(size)]
        self.places = [function.wait(call) for call in self.calls]

    def call(self, number: int) -> Call:
        def called() -> bool:
            self.called.append(number)
            return True

        return called


def half_open() -> Circuits:
    function = failing("a")
    function.of("a").enter(1.0)
    return function


def test_while_it_is_on_trial_each_word_of_an_instance_calls_two_and_then_all_are() -> None:
    function = half_open()
    crowd, circuit = Crowd(function, 9), function.of("a")
    circuit.succeeded(circuit.generation)
    function.heard(circuit)
    assert crowd.called == [0, 1]
    for _ in range(PROBES):
        circuit.succeeded(circuit.enter(1.0))
    assert circuit.history
    function.heard(circuit)
    assert crowd.called == [0, 1, 2, 3]
    circuit.history = 0
    function.heard(circuit)
    assert crowd.called == [*range(9)]


@pytest.mark.parametrize("how", ["opens", "leaves"])
def test_where_nothing_is_to_be_waited_for_all_are_called(how: str) -> None:
    function = half_open()
    crowd, circuit = Crowd(function, 9), function.of("a")
    if how == "opens":
        circuit.failed(circuit.generation, 1.0)
        function.heard(circuit)
    else:
        function.forget("a")
    assert crowd.called == [*range(9)]


def test_who_has_gone_is_passed_over_and_who_waits_again_is_the_first() -> None:
    function = half_open()
    crowd = Crowd(function, 3)
    function.leave(crowd.calls[0])
    function.wait(lambda: False, first=True)
    function.wait(again := crowd.call(7), first=True)
    function.call()
    assert crowd.called == [7]
    function.call()
    assert crowd.called == [7, 1]
    function.leave(again)


def test_no_more_wait_than_there_is_room_for() -> None:
    assert Crowd(half_open(), MOST + 1).places == [*[True] * MOST, False]


WHAT = st.sampled_from(["fail", "ill", "succeed", "forget"])
EVENTS = st.lists(st.tuples(st.sampled_from("abcdef"), WHAT), max_size=60)


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
            if event == "succeed":
                circuit.succeeded(generation)
            else:
                circuit.failed(generation, now, reached=event == "ill")
    now = len(events) / 4
    closed = {address for address in alive if function.of(address).state is State.CLOSED}
    admitted = set(function.admitted(alive, now))
    assert closed <= admitted
    assert not closed or len(admitted) >= len(alive) / 2
    there = {address for address in alive if not function.of(address).away}
    assert closed or admitted == there | {address for address in alive if function.of(address).lets(now)}
