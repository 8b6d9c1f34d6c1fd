from itertools import count

import pytest

from deploy.steps import Steps


def test_a_step_is_told_with_its_time_when_it_is_done() -> None:
    said: list[str] = []
    ticks = count(0, 1.5)
    steps = Steps(said.append, clock=lambda: next(ticks))
    with steps.step("orders", "schema is up to date"):
        assert said == []
    assert said == ["orders: schema is up to date (1.5 s)"]


def test_a_step_that_fails_is_not_told_as_done() -> None:
    said: list[str] = []
    with pytest.raises(ValueError, match="no"), Steps(said.append).step("orders", "tried"):
        raise ValueError("no")
    assert said == []
