"""A limit's pace and shares: never looser than what the manifest says."""

from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.limit.policy import MICROSECONDS, Policies, bucket, interval, leasable, share
from runtime.units import Limit

limits = st.builds(Limit, st.integers(1, 10**7), st.integers(1, 86_400), st.integers(1, 10**5))


def test_a_hundred_a_minute_is_one_every_600_ms() -> None:
    assert interval(Limit.parse("100/1m")) == 600_000


@given(limits)
def test_the_pace_is_never_faster_than_the_limit(limit: Limit) -> None:
    assert interval(limit) * limit.count >= limit.period * MICROSECONDS


@given(limits)
def test_the_pace_is_slower_by_less_than_a_microsecond(limit: Limit) -> None:
    assert (interval(limit) - 1) * limit.count < limit.period * MICROSECONDS


@given(limits, st.integers(1, 64))
def test_all_shares_together_refill_no_faster_than_the_limit(limit: Limit, live: int) -> None:
    part = share(limit, live)
    assert live * part.count * limit.period <= limit.count * part.period


@given(limits, st.integers(1, 64))
def test_all_shares_together_hold_no_more_than_the_burst_or_one_each(limit: Limit, live: int) -> None:
    assert live * share(limit, live).burst <= max(limit.burst, live)


@given(limits)
def test_a_lone_instance_has_the_whole_limit(limit: Limit) -> None:
    assert share(limit, 1) == limit


@given(limits)
def test_a_twentieth_of_a_bucket_may_be_on_lease(limit: Limit) -> None:
    assert leasable(limit) * 20 <= limit.burst < (leasable(limit) + 1) * 20


def test_policies_lease_what_the_smallest_bucket_allows() -> None:
    several = Policies({"minute": Limit.parse("1000/1m"), "day": Limit.parse("5000/1d")})
    assert several.leasable == 50


def test_shares_of_policies_are_those_of_each() -> None:
    several = Policies({"minute": Limit.parse("1000/1m"), "day": Limit.parse("5000/1d")})
    assert several.shares(4) == tuple(bucket(share(limit, 4)) for limit in several.limits)
