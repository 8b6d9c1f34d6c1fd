"""The law of the bucket, over any limit and any times."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.limit.bucket import Decision, decide, decide_all
from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from runtime.units import Limit

START = 1_800_000_000 * MICROSECONDS
limits = st.builds(Limit, st.integers(1, 1000), st.integers(1, 3600), st.integers(1, 12))
# Gaps between takes: none, some microseconds, and around the time that permits of the limits above need.
gaps = st.lists(st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 10_000_000)), max_size=60)


def takes(limit: Limit, gaps: list[int]) -> list[Decision]:
    decisions, tat, now = [], None, START
    for gap in gaps:
        now += gap
        decisions.append(decide(tat, now, limit))
        tat = decisions[-1].tat
    return decisions


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
            assert decide(refused.tat, then, limit).admitted
            assert not decide(refused.tat, then - 1, limit).admitted


@given(limits, gaps)
def test_what_remains_may_come_at_once_and_no_more(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        assert 0 <= taken.remaining <= limit.burst
        if taken.remaining:
            assert decide(taken.tat, taken.now, limit, taken.remaining).admitted
        assert not decide(taken.tat, taken.now, limit, taken.remaining + 1).admitted


@given(limits, gaps)
def test_one_more_than_what_remains_may_come_after_next_permit(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        then = taken.now + round(taken.next_permit * MICROSECONDS)
        assert decide(taken.tat, then, limit, taken.remaining + 1).admitted
        assert not decide(taken.tat, then - 1, limit, taken.remaining + 1).admitted


@given(limits, gaps)
def test_a_refusal_costs_nothing(limit: Limit, gaps: list[int]) -> None:
    for taken in takes(limit, gaps):
        if not taken.admitted:
            assert decide(taken.tat, taken.now, limit) == taken


@given(limits, gaps, st.integers(1, 12))
def test_a_cost_is_taken_whole_or_not_at_all(limit: Limit, gaps: list[int], cost: int) -> None:
    for taken in takes(limit, gaps):
        several = decide(taken.tat, taken.now, limit, cost)
        assert several.admitted == (cost <= taken.remaining)
        assert several.remaining == taken.remaining - (cost if several.admitted else 0)


@given(limits, st.integers(0, 10**15))
def test_a_bucket_is_never_emptier_than_empty(limit: Limit, ahead: int) -> None:
    """What a larger limit once stored, or a clock that was set back, doesn't lock a client out for longer."""
    taken = decide(START + ahead, START, limit)
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
    one, many = Limit.parse("1/1m"), Limit.parse("5/1m")
    first = decide_all([None, None], START, [one, many])
    assert all(each.admitted for each in first)
    second = decide_all([first[0].tat, first[1].tat], START, [one, many])
    assert [(each.admitted, each.remaining) for each in second] == [(False, 0), (True, 4)]
    assert second[1].tat == first[1].tat
