from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.chaos.sample import Kind, Sample
from deploy.chaos.summary import SLOW, Promise, Window, breaks, recovery, summarise

WINDOW = Window("kill", Promise.IN_FLIGHT, began=10.0, struck=11.0, ended=20.0, back=12.0)
PROBLEM = "/problems/upstream-unreachable"

seconds = st.floats(0, 30, allow_nan=False)
samples = st.builds(
    lambda kind, due, took, status, said: Sample(kind, "x", due, due + took, status, said if status != 200 else ""),
    st.sampled_from(list(Kind)),
    seconds,
    st.floats(0, 5, allow_nan=False),
    st.sampled_from([0, 200, 502]),
    st.sampled_from([PROBLEM, "closed"]),
)
windows = st.sampled_from([replace(WINDOW, promise=promise) for promise in Promise])


def failed(kind: Kind, due: float, ended: float, said: str = PROBLEM) -> Sample:
    return Sample(kind, "x", due, ended, 502 if said == PROBLEM else 0, said)


@given(windows, st.lists(samples))
def test_every_failure_of_a_window_is_counted_under_one_kind(window: Window, found: list[Sample]) -> None:
    row = summarise(window, found)
    mine = [sample for sample in found if 10 <= sample.due < 20]
    assert row.requests == len(mine)
    assert row.reads + row.keyed + row.unkeyed + row.in_flight == sum(not sample.ok for sample in mine)
    assert row.worst == max((sample.latency for sample in mine), default=0)


@given(st.lists(samples), seconds)
def test_windows_side_by_side_share_the_requests_out(found: list[Sample], edge: float) -> None:
    halves = [replace(WINDOW, began=0.0, ended=edge), replace(WINDOW, began=edge, ended=31.0)]
    assert sum(summarise(half, found).requests for half in halves) == len(found)


@given(windows, st.lists(samples))
def test_a_promise_is_kept_where_nothing_failed(window: Window, found: list[Sample]) -> None:
    row = summarise(window, [sample for sample in found if sample.ok])
    assert row.kept
    assert row.broken == ()


@given(st.lists(samples))
def test_after_the_recovery_every_request_is_as_usual(found: list[Sample]) -> None:
    later = WINDOW.struck + recovery(WINDOW, found)
    assert [each for each in found if each.ended > later + 1e-9 and (not each.ok or each.latency > SLOW)] == []


@given(samples)
def test_a_stricter_promise_is_broken_by_whatever_breaks_a_laxer_one(sample: Sample) -> None:
    strict, fair, lax = (
        breaks(replace(WINDOW, promise=promise), sample)
        for promise in (Promise.NOTHING, Promise.IN_FLIGHT, Promise.RESENT)
    )
    assert strict >= fair
    assert strict >= lax
    assert not (sample.ok and strict)


@pytest.mark.parametrize(
    ("promise", "sample", "broken"),
    [
        (Promise.IN_FLIGHT, failed(Kind.UNKEYED, 10.9, 11.1), False),
        (Promise.IN_FLIGHT, failed(Kind.UNKEYED, 10.9, 11.1, "closed"), True),
        (Promise.IN_FLIGHT, failed(Kind.UNKEYED, 12.0, 12.1), True),
        (Promise.IN_FLIGHT, failed(Kind.UNKEYED, 10.5, 10.9), True),
        (Promise.IN_FLIGHT, failed(Kind.KEYED, 10.9, 11.1), True),
        (Promise.IN_FLIGHT, failed(Kind.READ, 10.9, 11.1), True),
        (Promise.RESENT, failed(Kind.UNKEYED, 10.9, 11.1, "closed"), False),
        (Promise.RESENT, failed(Kind.UNKEYED, 14.0, 15.0), False),
        (Promise.RESENT, failed(Kind.UNKEYED, 14.0, 15.0, "closed"), True),
        (Promise.RESENT, failed(Kind.SLOW, 10.9, 11.1), True),
        (Promise.NOTHING, failed(Kind.UNKEYED, 10.9, 11.1), True),
    ],
)
def test_what_a_promise_allows(promise: Promise, sample: Sample, *, broken: bool) -> None:
    assert breaks(replace(WINDOW, promise=promise), sample) is broken


def test_what_was_slow_counts_for_the_recovery_and_a_slow_body_does_not() -> None:
    slow = Sample(Kind.READ, "x", 11.0, 12.5, 200)
    body = Sample(Kind.SLOW, "x", 13.0, 14.5, 200, took=1.0)
    assert recovery(WINDOW, [slow, body]) == 1.5


@pytest.mark.parametrize("wrong", [replace(WINDOW, back=None), replace(WINDOW, trouble="There is no process.")])
def test_a_fault_that_went_wrong_or_never_ended_keeps_no_promise(wrong: Window) -> None:
    assert not summarise(wrong, []).kept
