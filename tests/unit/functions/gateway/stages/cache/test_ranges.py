import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.ranges import UNSATISFIABLE, Span, holds, span
from tests.unit.functions.gateway.stages.cache.heads import held


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (b"bytes=0-1", (0, 1)),
        (b"bytes=1-", (1, 9)),
        (b"bytes=-1", (9, 9)),
        (b"bytes=-99", (0, 9)),
        (b"bytes=5-99", (5, 9)),
        (b"BYTES= 0-1 ", (0, 1)),
        (b"bytes=10-", UNSATISFIABLE),
        (b"bytes=-0", UNSATISFIABLE),
        (b"bytes=2-1", None),
        (b"bytes=-", None),
        (b"bytes=0-1, 3-4", None),
        (b"lines=0-1", None),
        (b"bytes=a-b", None),
    ],
)
def test_which_bytes_of_ten_are_wanted(wanted: bytes, expected: Span | None) -> None:
    assert span(wanted, 10) == expected


def test_nothing_can_be_had_of_nothing() -> None:
    assert span(b"bytes=0-", 0) == span(b"bytes=-5", 0) == UNSATISFIABLE


@given(st.integers(0, 50), st.none() | st.integers(0, 50), st.integers(1, 40))
def test_a_span_lies_within(start: int, end: int | None, length: int) -> None:
    found = span(b"bytes=%d-%b" % (start, b"" if end is None else b"%d" % end), length)
    if found is not None and found != UNSATISFIABLE:
        assert found[0] == start
        assert start <= found[1] < length


@given(st.text(alphabet="bytes=0123456789-, ", max_size=40))
def test_no_range_breaks_the_reader(text: str) -> None:
    span(text.encode(), 10)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (b"bytes=5-6", True),
        (b"bytes=4-8", True),
        (b"bytes=3-6", False),
        (b"bytes=5-", False),
        (b"bytes=-1", False),
        (b"bytes=x", False),
    ],
)
def test_a_part_holds_what_lies_within_it(wanted: bytes, expected: bool) -> None:  # noqa: FBT001  a column
    assert holds(held("Content-Range: bytes 4-8/10", status=206, body=b"45678"), wanted) is expected
