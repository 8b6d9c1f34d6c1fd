"""The law of the bucket, over any limit and any times."""

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.limit.bucket import Refusal, decide, refusal
from functions.gateway.stages.limit.policy import MICROSECONDS, bucket, interval
from runtime.units import Limit
from tests.lending import alone

START = 1_800_000_000 * MICROSECONDS
limits = st.builds(Limit, st.integers(1, 1000), st.integers(1, 3600), st.integers(1, 12))
# Gaps between takes: none, some microseconds, and around the time that permits of the limits above need.
gaps = st.lists(st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 10_000_000)), max_size=60)


class Taken(NamedTuple):
    admitted: bool
    remaining: int
    retry_after: float
    next_permit: float
    tat: int
    now: int


def take(tat: int | None, now: int, limit: Limit) -> Taken:
    verdict, (stored,) = decide([tat], now, [bucket(limit)])
    return Taken(*alone(verdict), stored, now)


def takes(limit: Limit, gaps: list[int], tat: int | None = None, now: int = START) -> list[Taken]:
    decisions = []
    for gap in gaps:
        now += gap
        decisions.append(take(tat, now, limit))
        tat = decisions[-1].tat
    return decisions


def admitted(tat: int, now: int, limit: Limit, times: int) -> list[bool]:
    """Whether each of so many is, all at once."""
    return [taken.admitted for taken in takes(limit, [0] * times, tat, now)]


@given(limits, gaps)
def test_no_window_admits_more_than_the_burst_and_what_refills_in_it(limit: Limit, gaps: list[int]) -> None:
    times = [taken.now for taken in takes(limit, gaps) if taken.admitted]
    rate = Fraction(limit.count, limit.period * MICROSECONDS)
    for first, opened in enumerate(times):
        for last, closed in enumerate(times[first:], first):
            assert last - first + 1 <= limit.burst + (closed - opened) * rate


@given(limits, gaps)
def test_a_refused_one_is_admitted_after_retry_after_and_not_before(limit: Limit, gaps: list[int]) -> None:
    for refused in takes(limit, gaps):
        if not refused.admitted:
            then = refused.now + round(refused.retry_after * MICROSECONDS)
            assert take(refused.tat, then, limit).admitted
            assert not take(refused.tat, then - 1, limit).admitted


@given(limits, gaps)
def test_what_remains_may_come_at_once_and_no_more(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        assert 0 <= taken.remaining <= limit.burst
        more = admitted(taken.tat, taken.now, limit, taken.remaining + 1)
        assert more == [True] * taken.remaining + [False]


@given(limits, gaps)
def test_one_more_than_what_remains_may_come_after_next_permit(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        if taken.next_permit:
            then = taken.now + round(taken.next_permit * MICROSECONDS)
            assert all(admitted(taken.tat, then, limit, taken.remaining + 1))
            assert not all(admitted(taken.tat, then - 1, limit, taken.remaining + 1))


@given(limits, gaps)
def test_a_refusal_costs_nothing(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        if not taken.admitted:
            assert take(taken.tat, taken.now, limit) == taken


@given(limits, st.integers(0, 10**15))
def test_a_bucket_is_never_emptier_than_empty(limit: Limit, ahead: int) -> None:
    """What a larger limit once stored, or a clock that was set back, doesn't lock a client out for longer."""
    taken = take(START + ahead, START, limit)
    assert taken.retry_after <= interval(limit) / MICROSECONDS


def test_a_burst_is_admitted_at_once_and_the_next_one_after_an_interval() -> None:
    decisions = takes(Limit.parse("100/1m burst 20"), [0] * 21)
    assert [taken.remaining for taken in decisions] == [*range(19, -1, -1), 0]
    assert [taken.admitted for taken in decisions] == [True] * 20 + [False]
    assert decisions[-1].retry_after == pytest.approx(0.6)


def test_a_day_of_takes_every_second_drifts_by_nothing() -> None:
    limit = Limit.parse("86400/1d burst 1")
    assert all(taken.admitted for taken in takes(limit, [MICROSECONDS] * 86_400))


def test_of_two_buckets_neither_gives_a_permit_unless_both_do() -> None:
    both = [bucket(Limit.parse("1/1m")), bucket(Limit.parse("5/1m"))]
    first, tats = decide([None, None], START, both)
    assert not isinstance(first, Refusal)
    second, after = decide(tats, START, both)
    assert isinstance(second, Refusal)
    assert ([state.remaining for state in second.states], second.violated) == ([0, 4], (0,))
    assert after == tats


@given(st.lists(st.tuples(limits, st.integers(-(10**9), 10**9)), min_size=1, max_size=3))
def test_a_refusal_always_says_of_whom_and_when_to_come_back(told: list[tuple[Limit, int]]) -> None:
    """Also one that nobody can say the reason of."""
    buckets, due = [bucket(limit) for limit, _ in told], [wait for _, wait in told]
    refused = refusal(due, [START] * len(told), START, buckets)
    assert refused.violated
    assert refused.retry_after > 0
    assert all(refused.states[index].remaining == 0 for index in refused.violated)
