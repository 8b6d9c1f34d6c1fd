"""What holds for every test: a property that fails shows what it failed with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_property_that_fails_shows_the_example() -> None:
    @given(st.just(["a step"]))
    @settings(database=None)
    def fails(steps: list[str]) -> None:
        raise ValueError(len(steps))

    with pytest.raises(ValueError, match="1") as raised:
        fails()
    assert "steps=['a step']" in "".join(raised.value.__notes__)
