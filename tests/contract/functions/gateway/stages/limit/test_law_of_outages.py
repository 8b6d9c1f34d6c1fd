"""The law of outages: while the store is away, and on the ways there and back, at most a tenth more than the limit."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from runtime.units import Limit
from tests.contract.functions.gateway.stages.limit.oracle import NEVER_MORE, Windows
from tests.contract.functions.gateway.stages.limit.outages import Outage, Server, Town, outlived
from tests.invariants import BOUNDS, EXAMPLES, Broken, holds

rates = st.sampled_from([(10, 3600), (60, 60), (600, 60), (20, 1), (100, 1)])
limits = st.builds(lambda rate, burst: Limit(rate[0], rate[1], burst), rates, st.integers(16, 120))
crowds = st.sampled_from([(1, 5), (1, 60), (2, 30), (4, 1), (4, 20), (16, 1), (16, 4)])
delays = st.sampled_from([0.0, 0.001, 0.02])
towns = st.builds(lambda limit, crowd, delay: Town(limit, crowd[0], crowd[1], delay), limits, crowds, delays)
times = st.floats(1.5, 3.0)
outages = st.builds(Outage, st.sampled_from(["stopped", "hanging", "restarted"]), times, times, st.just(3.0))


def judged(town: Town, outage: Outage, kind: type[Server] = Server) -> None:
    """In every window a tenth of the bucket, and what each gateway's last round trip gave: that is told to nobody."""
    (count, period, burst), trips = (town.limit.count, town.limit.period, town.limit.burst), town.gateways
    windows = Windows(Limit(count, period, burst + burst // 10 + trips))
    admitted = outlived(town, outage, kind)
    for moment in admitted:
        windows.take(moment, 1)
    allowed = burst + outage.whole * MICROSECONDS / interval(town.limit)
    holds("at most a tenth more over the whole", len(admitted) <= 1.1 * allowed + trips, (len(admitted), allowed))


@given(towns, outages)
@settings(BOUNDS, max_examples=10 * EXAMPLES)
def test_over_a_whole_outage_at_most_a_tenth_more_than_the_limit_is_admitted(town: Town, outage: Outage) -> None:
    judged(town, outage)


class Forgetful(Server):
    """Nobody tells it what was admitted while it was away."""

    def seed(self, debts: Mapping[str, int]) -> None:
        pass


def test_a_store_that_is_told_nothing_is_noticed() -> None:
    town = Town(Limit.parse("60/1m burst 100"), 4, 20)
    judged(town, Outage("stopped"))
    with pytest.raises(Broken, match=NEVER_MORE):
        judged(town, Outage("stopped"), Forgetful)
