"""runtime/serving/deadline.py: the time that is left, across hops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.serving import deadline
from runtime.serving.deadline import HEADER, Deadline, parse


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_time_runs_out_and_stays_out() -> None:
    clock = Clock()
    given_ = Deadline.after(2.0, clock)
    clock.now += 1.5
    assert given_.remaining() == pytest.approx(0.5)
    clock.now += 5
    assert given_.remaining() == 0.0


def test_the_next_hop_is_told_whole_milliseconds() -> None:
    assert Deadline.after(1.5, Clock()).header() == (HEADER, b"1500")
    assert Deadline.after(0.0991, Clock()).header() == (HEADER, b"100")


def test_the_next_hop_is_told_zero_when_the_time_is_up() -> None:
    assert Deadline.after(-3, Clock()).header() == (HEADER, b"0")


@given(st.floats(0, 86_400))
def test_a_hop_loses_no_time_and_gains_less_than_a_millisecond(seconds: float) -> None:
    clock = Clock()
    _, told = Deadline.after(seconds, clock).header()
    arrived = parse(told, clock)
    assert arrived is not None
    assert seconds - 1e-6 <= arrived.remaining() < seconds + 0.001 + 1e-6


@pytest.mark.parametrize("junk", [b"", b"-1", b"+1", b"1.5", b" 1", b"1\n", b"1e3", b"\xd9\xa2", b"0x1", b"1234567890"])
def test_what_is_no_whole_number_of_milliseconds_is_no_deadline(junk: bytes) -> None:
    assert parse(junk) is None


@given(st.binary() | st.from_regex(rb"[0-9]{1,12}", fullmatch=True))
def test_any_header_is_a_deadline_within_twelve_days_or_none(value: bytes) -> None:
    found = parse(value, Clock())
    assert found is None or 0 <= found.remaining() < 10**6


def test_outside_of_a_request_nothing_is_due() -> None:
    assert deadline.remaining() is None


def test_below_the_outermost_layer_everything_sees_what_is_left() -> None:
    before = deadline.current.set(Deadline.after(2.0, Clock()))
    assert deadline.remaining() == 2.0
    deadline.current.reset(before)
