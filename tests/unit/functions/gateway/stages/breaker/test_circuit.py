"""One circuit, against a plain model of it; and what it is for, in a few sentences that can be read."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from functions.gateway.stages.breaker.circuit import PROBES, WINDOW, Circuit, Rules, State
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken, holds

RULES = Rules(consecutive=3, ratio=0.25, open=1.0, longest=4.0)

OPENS = "a circuit opens by failures in a row, and by their share of the window, and not before"
WAITS = "an open circuit lets nobody through before its time"
PROBED = "a half-open circuit lets a few through"
DECIDES = "the first probe that fails opens it, as many as it lets through close it"
AWAY = "nobody is there when so many connections in a row were not made, and whoever answers is there"
STALE = "a verdict on a request of another period changes nothing"


def circuit(rules: Rules = RULES, jitter: Callable[[], float] = lambda: 0.0) -> Circuit:
    return Circuit(rules, jitter, lambda _changed: None)


def fail(broken: Circuit, now: float, times: int = 1) -> None:
    for _ in range(times):
        broken.failed(broken.enter(now), now)


def succeed(well: Circuit, now: float, times: int = 1) -> None:
    for _ in range(times):
        well.succeeded(well.enter(now))


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    broken = circuit()
    fail(broken, 0.0, 2)
    assert broken.lets(0.0)
    fail(broken, 0.0)
    assert not broken.lets(0.0)


def test_it_opens_when_a_share_of_the_window_are_failures() -> None:
    broken = circuit()
    for _ in range(7):
        fail(broken, 0.0)
        succeed(broken, 0.0)
    assert broken.lets(0.0)
    fail(broken, 0.0)
    assert not broken.lets(0.0)


def test_failures_that_the_window_has_left_behind_are_forgotten() -> None:
    well = circuit()
    for _ in range(100):
        fail(well, 0.0)
        succeed(well, 0.0, 4)
    assert well.state is State.CLOSED


def test_it_stays_open_for_longer_each_time_until_it_is_forgiven() -> None:
    broken = circuit()
    now, times = 0.0, []
    fail(broken, now, 3)
    for _ in range(4):
        times.append(broken.until - now)
        now = broken.until
        fail(broken, now)
    assert times == [1.0, 2.0, 4.0, 4.0]
    now = broken.until
    succeed(broken, now, PROBES + WINDOW)
    fail(broken, now, 3)
    assert broken.until - now == 1.0


def test_gateways_do_not_come_back_all_at_once() -> None:
    broken = circuit(jitter=lambda: 0.999)
    fail(broken, 0.0, 3)
    assert 0.75 <= broken.until < 0.76


def test_one_that_has_just_closed_is_on_trial() -> None:
    flapping = circuit()
    fail(flapping, 0.0, 3)
    succeed(flapping, 9.0, PROBES)
    assert flapping.state is State.CLOSED
    for _ in range(4):
        fail(flapping, 9.0)
        succeed(flapping, 9.0)
    assert not flapping.lets(9.0)


def test_a_probe_that_nobody_waited_for_gives_its_place_to_another() -> None:
    broken = circuit()
    fail(broken, 0.0, 3)
    probes = [broken.enter(9.0) for _ in range(PROBES)]
    assert not broken.lets(9.0)
    broken.abandoned(probes[0])
    assert broken.lets(9.0)


def test_what_comes_after_the_instance_left_is_for_nobody() -> None:
    gone = circuit()
    late = [gone.enter(0.0) for _ in range(3)]
    gone.forget()
    for generation in late:
        gone.failed(generation, 0.0)
    assert (gone.state, gone.history) == (State.CLOSED, 0)


def test_whoever_answers_is_there_however_badly() -> None:
    ill = circuit()
    for _ in range(9):
        ill.failed(ill.enter(9.0), 9.0, reached=True)
    assert (ill.state, ill.away) == (State.OPEN, False)


def test_nobody_is_there_once_so_many_connections_in_a_row_were_not_made() -> None:
    broken = circuit()
    fail(broken, 0.0, 3)
    assert broken.away
    broken.failed(broken.enter(9.0), 9.0, reached=True)
    assert (broken.state, broken.away) == (State.OPEN, False)


def test_one_that_answers_badly_and_then_dies_is_away_although_its_circuit_was_open_already() -> None:
    ill = circuit()
    for _ in range(3):
        ill.failed(ill.enter(0.0), 0.0, reached=True)
    fail(ill, 0.1, 2)
    assert not ill.away
    fail(ill, 0.1)
    assert ill.away


def test_one_connection_that_was_not_made_says_little_of_one_that_answers() -> None:
    ill = circuit()
    for _ in range(3):
        ill.failed(ill.enter(0.0), 0.0, reached=True)
    fail(ill, 9.0)
    assert (ill.state, ill.away) == (State.OPEN, False)


class Life(RuleBasedStateMachine):
    """Requests that begin, and are judged in any order while time goes by; a list is the model of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = circuit(jitter=lambda: 0.5)
        self.under_way: list[int] = []
        self.window: list[bool] | None = [True] * WINDOW  # None once it has been reopened: it then begins on trial
        self.probes = 0
        self.unreached = 0

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        was, due = self.circuit.state, self.now >= self.circuit.until
        lets = self.circuit.lets(self.now)
        if was is State.OPEN:
            holds(WAITS, lets == due, (lets, self.now, self.circuit.until))
        if was is State.HALF_OPEN:
            holds(PROBED, lets == (self.probes < PROBES), (lets, self.probes))
        if not lets:
            return
        self.under_way.append(self.circuit.enter(self.now))
        if was is not State.CLOSED:
            self.probes = 1 if was is State.OPEN else self.probes + 1
            holds(PROBED, self.circuit.state is State.HALF_OPEN, self.circuit.state)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), good=st.sampled_from([True, False, None]), reached=st.booleans())
    def judge(self, which: int, good: bool | None, reached: bool) -> None:  # noqa: FBT001  drawn by hypothesis
        generation = self.under_way.pop(which % len(self.under_way))
        was, fresh = self.circuit.state, generation == self.circuit.generation
        before = (was, self.circuit.generation, self.circuit.history)
        if good is None:
            self.circuit.abandoned(generation)
        elif good:
            self.circuit.succeeded(generation)
        else:
            self.circuit.failed(generation, self.now, reached=reached)
        if fresh and good is not None:
            self.judge_presence(there=good or reached)
        if not fresh:
            after = (self.circuit.state, self.circuit.generation, self.circuit.history)
            holds(STALE, before == after, (before, after))
        elif was is State.HALF_OPEN:
            self.judge_probe(good)
        elif was is State.CLOSED and good is not None:
            self.judge_window(good)

    def judge_presence(self, *, there: bool) -> None:
        self.unreached = 0 if there else self.unreached + 1
        if there:
            holds(AWAY, self.circuit.state is State.HALF_OPEN or not self.circuit.away, self.circuit.state)
        elif self.unreached >= RULES.consecutive:
            holds(AWAY, self.circuit.away, self.unreached)

    def judge_probe(self, good: bool | None) -> None:  # noqa: FBT001  as above
        self.probes -= 1
        if good is False:
            holds(DECIDES, self.circuit.state is State.OPEN, self.circuit.state)
        if good is True and self.circuit.state is State.CLOSED:
            self.window = None

    def judge_window(self, good: bool) -> None:  # noqa: FBT001  as above
        if self.window is None:
            return
        self.window = [*self.window[1:], good]
        row = not any(self.window[-RULES.consecutive :])
        share = self.window.count(False) >= RULES.ratio * WINDOW
        holds(OPENS, (self.circuit.state is State.OPEN) == (row or share), (self.circuit.state, self.window))
        if row or share:
            self.window = None


def play(bounds: settings) -> None:
    run_state_machine_as_test(Life, settings=bounds)


def test_whatever_happens_in_whatever_order_it_is_a_circuit() -> None:
    play(settings(BOUNDS, max_examples=3 * EXAMPLES, stateful_step_count=80))


# Tests of the test: each bug is found, and by the invariant that it breaks.


def find(invariant: str) -> None:
    with pytest.raises(Broken, match=invariant):
        play(settings(UNTIL_FOUND, stateful_step_count=80))


def test_a_breaker_that_never_opens_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Circuit, "_open", lambda _self, _now: None)
    find(OPENS)


def test_a_breaker_that_takes_bad_answers_for_nobody_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Circuit.failed
    monkeypatch.setattr(Circuit, "failed", lambda self, generation, now, **_: failed(self, generation, now))
    find(AWAY)


def test_a_breaker_that_does_not_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    lets = Circuit.lets
    monkeypatch.setattr(Circuit, "lets", lambda self, now: self.state is not State.HALF_OPEN or lets(self, now))
    find(WAITS)


def test_probes_without_number_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    lets = Circuit.lets
    monkeypatch.setattr(Circuit, "lets", lambda self, now: self.state is State.HALF_OPEN or lets(self, now))
    find(PROBED)


def test_a_half_open_circuit_that_no_failure_opens_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Circuit.failed

    def forgiving(self: Circuit, generation: int, now: float, *, reached: bool = False) -> None:
        if self.state is not State.HALF_OPEN:
            failed(self, generation, now, reached=reached)

    monkeypatch.setattr(Circuit, "failed", forgiving)
    find(DECIDES)


def test_verdicts_that_come_too_late_and_count_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Circuit.failed
    monkeypatch.setattr(Circuit, "failed", lambda self, _old, now, **how: failed(self, self.generation, now, **how))
    find(STALE)
