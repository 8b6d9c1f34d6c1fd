"""How often the shared store is asked: once for many requests, and not at all for what is known."""

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.asyncio import Redis

from functions.gateway.redis.conversation import connection
from functions.gateway.stages.limit.bucket import Admission, Refusal
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.redis import RedisLender
from tests.contract.functions.gateway.stages.limit.games import counted
from tests.lending import Line, Store, policies

if TYPE_CHECKING:
    from tests.contract.conftest import RedisServer


class Hot:
    """Gateways under steady load on one key, all questions answered at once."""

    def __init__(self, limit: str, number: int = 4) -> None:
        self.store, self.asked = Store(), policies(limit)
        self.ways = [Line() for _ in range(number)]
        self.gateways = [Leases(way, lambda: number, clock=lambda: self.store.now) for way in self.ways]

    async def second(self, rate: int) -> None:
        """So many requests a second, spread evenly over time and gateways, ten at once."""
        for turn in range(rate // 10):
            self.store.now += 10_000_000 // rate
            leases = self.gateways[turn % len(self.gateways)]
            for _ in range(10):
                if leases.at_once(self.asked, ("hot",)) is None:
                    leases.later(("hot",))
            if turn % (rate // 25) == 0:
                self.sweep()
            await self.answered()

    def sweep(self) -> None:
        for leases in self.gateways:
            leases.sweep()

    async def answered(self) -> None:
        for way in self.ways:
            way.leave()
            await way.decided(self.store.lend)
            way.arrive()

    @property
    def admitted(self) -> int:
        return sum(number for (_, what), number in counted(self.gateways).items() if what == "admitted")


async def test_a_hot_key_costs_one_question_for_twenty_requests_and_more() -> None:
    hot = Hot("10000/1s")
    for _ in range(3):
        await hot.second(4000)
    assert hot.admitted == 12_000
    assert hot.store.calls <= 0.05 * hot.admitted


async def test_a_hot_key_over_its_limit_costs_one_question_for_twenty_permits_and_more() -> None:
    hot = Hot("2000/1s")
    for _ in range(5):
        await hot.second(4000)
    assert 2000 * 5.5 <= hot.admitted <= 2000 * 6
    assert hot.store.calls <= 0.05 * hot.admitted


async def test_a_lease_comes_back_within_a_second_of_quiet() -> None:
    hot = Hot("10000/1s")
    await hot.second(4000)
    assert sum(leases.held for leases in hot.gateways) > 0
    for _ in range(2):
        hot.store.now += 400_000
        hot.sweep()
        await hot.answered()
    assert sum(leases.held for leases in hot.gateways) == 0
    assert hot.store.buckets["hot"].leases == {}


async def test_what_nobody_asks_for_is_forgotten() -> None:
    hot = Hot("10000/1s")
    await hot.second(100)
    for _ in range(4):
        hot.sweep()
        await hot.answered()
    assert [leases._desks for leases in hot.gateways] == [{}] * 4


async def test_who_was_asked_before_the_others_knows_what_they_took_once_it_is_quiet() -> None:
    hot, seen = Hot("100/1h"), list[dict[str, int]]()
    for way in hot.ways:
        learned = dict[str, int]()
        seen.append(learned)
        leases = Leases(way, lambda: 4, learned.__setitem__, lambda: hot.store.now)
        for _ in range(10):
            assert leases.at_once(hot.asked, ("hot",)) is None
            leases.later(("hot",))
        hot.gateways[len(seen) - 1] = leases
        await hot.answered()
    assert [learned["hot"] / 36e6 for learned in seen] == [10, 20, 30, 40]
    for _ in range(2):
        hot.sweep()
        await hot.answered()
    assert [learned["hot"] / 36e6 for learned in seen] == [40] * 4
    for _ in range(9):
        hot.sweep()
        await hot.answered()
    assert hot.store.calls == 8


async def test_where_little_was_taken_nothing_is_asked_once_it_is_quiet() -> None:
    hot = Hot("100/1h")
    (waiting,) = [
        gateway.later(("hot",)) for gateway in hot.gateways[:1] if gateway.at_once(hot.asked, ("hot",)) is None
    ]
    for _ in range(3):
        await hot.answered()
        hot.sweep()
    assert waiting.result().states[0].remaining == 99
    assert hot.store.calls == 1


async def test_an_exhausted_key_is_refused_without_a_question_until_its_reset() -> None:
    hot = Hot("2/1s", number=1)
    (gateway,) = hot.gateways
    waiting = [gateway.later(("hot",)) for _ in range(3) if gateway.at_once(hot.asked, ("hot",)) is None]
    await hot.answered()
    assert [isinstance(answer.result(), Admission) for answer in waiting] == [True, True, False]
    for gap in (0, 100_000, 399_999):
        hot.store.now += gap
        refused = gateway.at_once(hot.asked, ("hot",))
        assert isinstance(refused, Refusal)
        assert refused.retry_after > 0
    assert (hot.store.calls, gateway.asked) == (1, 1)
    hot.store.now += 1
    assert gateway.at_once(hot.asked, ("hot",)) is None


async def test_while_permits_gather_at_an_exhausted_key_everybody_is_refused() -> None:
    hot = Hot("1000/1s", number=1)
    (gateway,) = hot.gateways
    for _ in range(1001):
        if gateway.at_once(hot.asked, ("hot",)) is None:
            gateway.later(("hot",))
    await hot.answered()
    for _ in range(24):  # 50 permits may be on lease, which gather in 50 ms; the first one is there after 1 ms
        hot.store.now += 2000
        told = [gateway.at_once(hot.asked, ("hot",)) for _ in range(100)]
        assert all(isinstance(each, Refusal) and each.violated == (0,) and each.retry_after > 0 for each in told)
    assert gateway.refusal(hot.asked, ("hot",)) is not None
    hot.store.now += 2000
    assert gateway.at_once(hot.asked, ("hot",)) is None
    assert hot.store.calls == 1


async def test_a_key_with_a_far_reset_is_asked_again_after_a_second_as_somebody_may_have_cleared_it() -> None:
    hot = Hot("1/1d", number=1)
    (gateway,) = hot.gateways
    waiting = [gateway.later(("hot",)) for _ in range(2) if gateway.at_once(hot.asked, ("hot",)) is None]
    await hot.answered()
    assert isinstance(waiting[1].result(), Refusal)
    hot.store.now += 999_999
    assert gateway.at_once(hot.asked, ("hot",)) is not None
    hot.store.now += 1
    assert gateway.at_once(hot.asked, ("hot",)) is None


async def test_requests_that_come_together_ask_once() -> None:
    hot = Hot("10/1h", number=1)
    (gateway,) = hot.gateways
    waiting = [gateway.later(("hot",)) for _ in range(500) if gateway.at_once(hot.asked, ("hot",)) is None]
    await hot.answered()
    assert [answer.result().states[0].remaining for answer in waiting[:11]] == [*range(9, -1, -1), 0]
    assert sum(isinstance(answer.result(), Admission) for answer in waiting) == 10
    assert hot.store.calls == 1


async def test_a_stop_gives_back_what_is_on_lease() -> None:
    hot = Hot("10000/1s")
    await hot.second(4000)
    for leases in hot.gateways:
        leases.close()
    await hot.answered()
    assert hot.store.buckets["hot"].leases == {}


async def test_four_gateways_under_two_thousand_at_once_keep_to_the_limit(redis_url: str) -> None:
    limit = policies("1500/1h")
    lenders = [RedisLender(connection(redis_url), 30) for _ in range(4)]
    gateways = [Leases(lender, lambda: 4) for lender in lenders]
    key = (str(uuid4()),)
    told = await asyncio.gather(*(gateway.take(limit, key) for _ in range(500) for gateway in gateways))
    admitted = sum(isinstance(verdict, Admission) for verdict in told)
    assert 1500 - limit.leasable <= admitted <= 1501  # one refills in 2.4 s
    for lender in lenders:
        await lender.close()


async def test_calls_to_redis_are_counted_by_redis_itself(redis_server: "RedisServer") -> None:
    limit, lenders = policies("100000/1m"), [RedisLender(connection(redis_server.url), 30) for _ in range(4)]
    gateways = [Leases(lender, lambda: 4) for lender in lenders]
    admitted = 0
    for _ in range(50):
        told = await asyncio.gather(*(gateway.take(limit, ("hot",)) for _ in range(50) for gateway in gateways))
        admitted += sum(isinstance(verdict, Admission) for verdict in told)
    async with Redis.from_url(redis_server.url) as operator:
        calls = (await operator.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert admitted == 10_000
    assert calls <= 0.05 * admitted
    for lender in lenders:
        await lender.close()


async def test_an_edited_limit_holds_at_once_for_a_key_that_is_hot() -> None:
    """Its route is built anew: buckets and leases are kept, and what they are measured by is another."""
    hot = Hot("10000/1s", number=1)
    await hot.second(4000)
    hot.asked = policies("10/1h")
    before = hot.admitted
    await hot.second(400)
    (gateway,) = hot.gateways
    assert hot.admitted - before <= 10_000 // 20 + 10  # what was on lease, and what the new one has
    assert gateway._desks["hot",].policies is hot.asked
