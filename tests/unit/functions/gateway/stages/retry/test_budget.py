"""How many further tries may be under way: whatever comes and goes, a fifth of the first ones, or three."""

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from functions.gateway.stages.retry.budget import FLOOR, SHARE, Budget
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken, holds

BOUNDED = "further tries are at most a fifth of the first ones, or three"
GENEROUS = "a try that there is room for is not refused"
GIVEN_BACK = "what has ended is no longer counted"


class Requests(RuleBasedStateMachine):
    """Requests that come, fail, try again and go; a plain model counts along."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget()
        self.first = self.further = 0

    @rule()
    def come(self) -> None:
        self.budget.live += 1
        self.first += 1

    @precondition(lambda self: self.first)
    @rule()
    def go(self) -> None:
        self.budget.live -= 1
        self.first -= 1

    @precondition(lambda self: self.first)
    @rule()
    def try_again(self) -> None:
        room = self.further < max(FLOOR, SHARE * self.first)
        if self.budget.spend():
            self.first -= 1
            self.further += 1
            holds(BOUNDED, room, (self.first, self.further))
        else:
            holds(GENEROUS, not room, (self.first, self.further))

    @precondition(lambda self: self.further)
    @rule()
    def end_a_try(self) -> None:
        self.budget.give_back()
        self.first += 1
        self.further -= 1
        holds(GIVEN_BACK, self.budget.retrying == self.further, self.budget.retrying)


def play(bounds: settings) -> None:
    run_state_machine_as_test(Requests, settings=bounds)


def test_whatever_comes_and_goes_the_budget_is_kept() -> None:
    play(settings(BOUNDS, max_examples=4 * EXAMPLES))


# Tests of the test: each bug is found, and by the invariant that it breaks.


def test_a_budget_that_is_not_counted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def spend(self: Budget) -> bool:
        self.retrying += 1
        return True

    monkeypatch.setattr(Budget, "spend", spend)
    with pytest.raises(Broken, match=BOUNDED):
        play(UNTIL_FOUND)


def test_a_budget_that_is_never_given_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "give_back", lambda _self: None)
    with pytest.raises(Broken, match=GIVEN_BACK):
        play(UNTIL_FOUND)
