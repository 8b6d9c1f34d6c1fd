"""A bound finds out what a function can do: from its answers alone, and without losing count."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from functions.gateway.stages.shed.bound import WINDOW, Bound, Pace, Range
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken, holds

WITHIN = Range(least=4, start=20, most=100)


def answer(bound: Bound, pace: Pace, seconds: float, times: int, in_flight: int | None = None) -> None:
    """So many answers while so many are in flight: as many as may be, unless said."""
    for _ in range(times):
        bound.in_flight = bound.limit if in_flight is None else in_flight
        bound.answered(pace, seconds)


@pytest.fixture
def bound() -> Bound:
    return Bound(WITHIN)


def test_it_begins_where_it_is_told(bound: Bound) -> None:
    assert bound.limit == 20


def test_it_grows_while_answers_take_what_they_usually_take(bound: Bound) -> None:
    answer(bound, bound.pace("a"), 0.01, WINDOW * 20)
    assert bound.limit == 100


def test_it_learns_nothing_while_nobody_comes_near_it(bound: Bound) -> None:
    pace = bound.pace("a")
    answer(bound, pace, 0.01, WINDOW * 5, in_flight=9)
    answer(bound, pace, 0.09, WINDOW * 5, in_flight=9)
    assert bound.limit == 20


def test_it_shrinks_when_a_function_hangs_but_never_to_nothing(bound: Bound) -> None:
    pace = bound.pace("a")
    answer(bound, pace, 0.01, WINDOW * 20)
    answer(bound, pace, 2.0, WINDOW * 20)
    assert bound.limit < 30
    answer(bound, pace, 20.0, WINDOW * 100)
    assert bound.limit >= 4


def test_after_a_hang_it_comes_back(bound: Bound) -> None:
    pace = bound.pace("a")
    answer(bound, pace, 0.01, WINDOW * 20)
    answer(bound, pace, 2.0, WINDOW * 10)
    hung = bound.limit
    answer(bound, pace, 0.01, WINDOW * 20)
    assert hung < 60
    assert bound.limit == 100


def test_a_rush_on_a_slow_route_is_no_queue(bound: Bound) -> None:
    """The average of the function rises tenfold; each route takes what it always took."""
    quick, slow = bound.pace("quick"), bound.pace("slow")
    for _ in range(WINDOW * 5):
        answer(bound, quick, 0.002, 9)
        answer(bound, slow, 0.05, 1)
    answer(bound, slow, 0.05, WINDOW * 20)
    assert bound.limit == 100


def test_answers_that_are_late_now_and_then_are_no_queue(bound: Bound) -> None:
    pace, draw = bound.pace("a"), random.Random(7)  # noqa: S311  the same each time
    for _ in range(WINDOW * 60):
        answer(bound, pace, 0.3 if draw.random() < 0.02 else 0.002 * draw.lognormvariate(0, 0.5), 1)
    assert bound.limit == 100


def queueing(bound: Bound, pace: Pace, capacity: int, arriving: int, rounds: int) -> Iterator[float]:
    """A function that works at `capacity` requests at once, 10 ms each; the rest of what it is given waits inside."""
    for _ in range(rounds):
        bound.in_flight = min(arriving, bound.limit)
        seconds = 0.01 * max(1.0, bound.in_flight / capacity)
        for _ in range(bound.in_flight):
            bound.answered(pace, seconds)
        yield seconds


def test_a_function_that_is_asked_for_more_than_it_can_is_not_given_more_and_more() -> None:
    """It knows its usual time from before the rush; then ten times its capacity comes."""
    bound = Bound(Range(least=4, start=20, most=1000))
    pace = bound.pace("a")
    list(queueing(bound, pace, capacity=30, arriving=20, rounds=100))
    times = list(queueing(bound, pace, capacity=30, arriving=300, rounds=100))
    assert max(times) < 0.02  # without a bound it would be 0.1


def test_a_function_that_has_become_slower_for_good_is_learnt_anew(bound: Bound) -> None:
    pace = bound.pace("a")
    answer(bound, pace, 0.01, WINDOW * 20)
    answer(bound, pace, 0.05, WINDOW * 30)
    assert bound.limit == 4
    answer(bound, pace, 0.05, WINDOW * 60)
    assert bound.limit == 100


class Answers(RuleBasedStateMachine):
    """Requests that enter where they may, and answers that take anything."""

    def __init__(self) -> None:
        super().__init__()
        self.bound = Bound(WITHIN)
        self.paces = [self.bound.pace("a"), self.bound.pace("b")]

    @rule(times=st.integers(1, 50))
    def enter(self, times: int) -> None:
        for _ in range(times):
            if self.bound.in_flight < self.bound.limit:
                self.bound.in_flight += 1

    @precondition(lambda self: self.bound.in_flight)
    @rule(
        route=st.integers(0, 1),
        seconds=st.one_of(st.just(0.0), st.floats(0.0, 60.0)),
        times=st.integers(1, 50),
    )
    def leave(self, route: int, seconds: float, times: int) -> None:
        was = self.bound.limit
        for _ in range(min(times, self.bound.in_flight)):
            self.bound.answered(self.paces[route], seconds)
            self.bound.in_flight -= 1
        holds("it stays within its range", WITHIN.least <= self.bound.limit <= WITHIN.most, self.bound.limit)
        windows = times // WINDOW + 1
        holds("it never loses more than a tenth a window", self.bound.limit >= was * 0.9**windows - 1, (was, times))
        holds("usual is a time", all(0.0 <= pace.usual <= 60.0 for pace in self.paces))


def test_whatever_answers_take_the_bound_stays_one() -> None:
    run_state_machine_as_test(Answers, settings=settings(BOUNDS, max_examples=4 * EXAMPLES))


def test_a_bound_that_falls_to_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bound, "_set", lambda self: setattr(self, "limit", self.limit // 2))
    with pytest.raises(Broken, match=r"within its range|a tenth a window"):
        run_state_machine_as_test(Answers, settings=settings(UNTIL_FOUND, stateful_step_count=60))


def test_a_route_that_is_built_anew_has_the_pace_that_it_had(bound: Bound) -> None:
    pace = bound.pace("a")
    answer(bound, pace, 0.01, WINDOW)
    assert bound.pace("a") is pace
    assert bound.pace("b") is not pace


def test_two_hundred_builds_leave_a_bound_as_it_was(bound: Bound) -> None:
    kept = bound.pace("a")
    for number in range(200):
        bound.pace("a")
        bound.pace(f"gone {number}")
    assert [*bound._paces.values()] == [kept]
