"""Who goes first, and who has to go."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from functions.gateway.stages.shed.line import Line
from tests.invariants import BOUNDS, EXAMPLES, holds


class Waiting(RuleBasedStateMachine):
    """A list of those who wait is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.line: Line[int] = Line()
        self.model: list[tuple[bool, int]] = []
        self.number = 0

    @rule(known=st.booleans(), most=st.integers(0, 6))
    def join(self, known: bool, most: int) -> None:  # noqa: FBT001  drawn by hypothesis
        self.number += 1
        gone = self.line.join(self.number, most, known=known)
        self.model.append((known, self.number))
        if gone is not None:
            strangers = [number for said, number in self.model if not said]
            holds("the last stranger goes, or who came", gone == (strangers[-1] if strangers else self.number), gone)
            self.model = [(said, number) for said, number in self.model if number != gone]
        holds("nobody is lost", len(self.line) == len(self.model), len(self.line))

    @precondition(lambda self: self.model)
    @rule()
    def next(self) -> None:
        first = min(self.model, key=lambda one: (not one[0], one[1]))
        holds("known ones first, each in turn", self.line.next() == first[1], first)
        self.model.remove(first)

    @rule(number=st.integers(1, 20))
    def leave(self, number: int) -> None:
        self.line.leave(number)
        self.model = [one for one in self.model if one[1] != number]
        holds("nobody is lost", len(self.line) == len(self.model), len(self.line))


def test_whoever_comes_and_goes_the_line_is_in_order() -> None:
    run_state_machine_as_test(Waiting, settings=settings(BOUNDS, max_examples=4 * EXAMPLES))


def test_an_empty_line_has_nobody_next() -> None:
    assert Line[int]().next() is None
