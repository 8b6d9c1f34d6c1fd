"""Who waits for a probe: called in turn, refused in time, and never the reason that others wait on."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from functions.gateway.stages.breaker.circuit import PROBES, Circuit, Rules
from functions.gateway.stages.breaker.circuits import MOST, Circuits
from functions.gateway.stages.breaker.turn import refusal, turn
from runtime.serving.deadline import Deadline
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken, holds
from tests.virtual import played

Clock = Callable[[], float]

NOBODY_FORGOTTEN = "somebody waits only while there is a probe to be waited for"
NO_HERD = "a word of an instance on trial sends out a few"


def half_open(probes: int = PROBES) -> Circuits:
    """One instance, `a`, with so many probes under way."""
    function = Circuits(Rules(consecutive=1, open=1.0), lambda: 0.0)
    circuit = function.of("a")
    circuit.failed(circuit.enter(0.0), 0.0)
    for _ in range(probes):
        circuit.enter(1.0)
    return function


async def test_it_comes_when_it_is_called() -> None:
    function = half_open()
    waiting = asyncio.create_task(turn(function, None, first=False))
    await asyncio.sleep(0)
    function.call()
    assert await waiting


def test_it_is_given_up_just_before_the_deadline() -> None:
    async def waits(clock: Clock) -> tuple[bool, float]:
        return await turn(half_open(), Deadline.after(2.0, clock), first=False), clock()

    came, took = played(waits)
    assert not came
    assert 1.98 <= took < 2.0


@pytest.mark.parametrize("seconds", [0.0, 0.005])
async def test_who_has_no_time_left_does_not_wait(seconds: float) -> None:
    assert not await turn(half_open(), Deadline.after(seconds), first=False)


async def test_where_too_many_wait_the_next_is_refused_at_once() -> None:
    function = half_open()
    waiting = [asyncio.create_task(turn(function, None, first=False)) for _ in range(MOST)]
    await asyncio.sleep(0)
    assert not await turn(function, None, first=False)
    function.call(MOST)
    assert all(await asyncio.gather(*waiting))


async def test_who_was_called_and_has_gone_has_the_next_called() -> None:
    function = half_open()
    gone, next_one = (asyncio.create_task(turn(function, None, first=False)) for _ in range(2))
    await asyncio.sleep(0)
    function.call()
    gone.cancel()
    assert await next_one


async def test_who_has_gone_before_is_passed_over() -> None:
    function = half_open()
    gone, next_one = (asyncio.create_task(turn(function, None, first=False)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    function.call()
    assert await next_one


def test_a_refusal_says_when_to_come_back() -> None:
    function = half_open()
    circuit = function.of("a")
    circuit.failed(circuit.generation, 1.0)
    assert refusal(function, "a", 1.0).retry_after == 5.0
    circuit.until = 9.0
    assert refusal(function, "a", 1.0).retry_after == 8.0


class Crowd(RuleBasedStateMachine):
    """Requests to one instance that come, answer well or badly, and go, in whatever order, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.function = Circuits(Rules(consecutive=2, open=1.0), lambda: 0.0)
        circuit = self.function.of("a")
        for _ in range(2):
            circuit.failed(circuit.enter(0.0), 0.0)
        self.waiting: dict[object, Waiter] = {}
        self.under_way: list[tuple[Circuit, int]] = []
        self.called: list[Waiter] = []
        self.sent = 0

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=st.integers(1, 9))
    def come(self, number: int) -> None:
        for _ in range(number):
            Waiter(self).look()

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 99))
    def leave(self, which: int) -> None:
        waiter = [*self.waiting.values()][which % len(self.waiting)]
        self.function.leave(waiter.called)
        del self.waiting[waiter]

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), verdict=st.sampled_from(["well", "well", "badly", "not", "abandoned"]))
    def answer(self, which: int, verdict: str) -> None:
        circuit, generation = self.under_way.pop(which % len(self.under_way))
        self.sent = 0
        if verdict == "well":
            circuit.succeeded(generation)
        elif verdict == "abandoned":
            circuit.abandoned(generation)
        else:
            circuit.failed(generation, self.now, reached=verdict == "badly")
        trial = circuit.history
        self.function.heard(circuit)
        while self.called:
            self.called.pop(0).look()
        if trial:
            holds(NO_HERD, self.sent <= PROBES, self.sent)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        holds(NOBODY_FORGOTTEN, not self.waiting or bool(self.under_way), len(self.waiting))


class Waiter:
    """One request that looks whether it may go, as balancing does."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.called_once = False

    def look(self) -> None:
        crowd, circuit = self.crowd, self.crowd.function.of("a")
        if crowd.function.admitted("a", crowd.now):
            crowd.sent += 1
            crowd.under_way.append((circuit, circuit.enter(crowd.now)))
        elif crowd.function.probing("a"):
            crowd.waiting[self] = self
            crowd.function.wait(self.called, first=self.called_once)

    def called(self) -> bool:
        self.called_once = True
        del self.crowd.waiting[self]
        self.crowd.called.append(self)
        return True


def play(bounds: settings) -> None:
    run_state_machine_as_test(Crowd, settings=bounds)


def test_whoever_comes_and_goes_nobody_waits_for_nothing() -> None:
    play(settings(BOUNDS, max_examples=10 * EXAMPLES, stateful_step_count=80))


def find(law: str) -> None:
    with pytest.raises(Broken, match=law):
        play(settings(UNTIL_FOUND, stateful_step_count=80))


def test_a_word_that_calls_nobody_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Circuits, "heard", lambda _self, _circuit: None)
    find(NOBODY_FORGOTTEN)


def test_a_herd_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Circuits, "heard", lambda self, _circuit: self.call(MOST))
    find(NO_HERD)
