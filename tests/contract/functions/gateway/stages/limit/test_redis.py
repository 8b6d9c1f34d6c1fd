"""The shared buckets in a real Redis: exact, the same law as the pure part, and honest when Redis is not well."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.connection import Connection, parse_url

from functions.gateway.redis.conversation import connection
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.desk import LIFE, SLOT, Ask
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.policy import MICROSECONDS, Policies, interval
from functions.gateway.stages.limit.redis import RedisLender
from runtime.units import Limit
from tests.lending import Alone, Bucket, asked_of, lend, policies
from tests.timed import TimedStore

if TYPE_CHECKING:
    from tests.contract.conftest import RedisServer

FIFTY = Limit.parse("50/1m")
limits = st.builds(Limit, st.integers(1, 10**6), st.integers(1, 86_400), st.integers(1, 1000))
asks = st.builds(
    Ask,
    need=st.integers(0, 40),
    ahead=st.integers(0, 80),
    slot=st.integers(-1, 12),
    lent=st.integers(0, 60),
    unused=st.integers(0, 60),
)


class Permits(Alone):
    """One gateway's permits, straight from Redis."""

    def __init__(self, url: str, patience: float) -> None:
        self.redis = RedisLender(connection(url), patience)
        self.leases = Leases(self.redis, live=lambda: 1)
        super().__init__(self.leases)

    async def seed(self, debts: dict[str, int]) -> None:
        await self.redis.seed(debts)

    async def close(self) -> None:
        await self.redis.close()


@asynccontextmanager
async def permits_at(url: str, patience: float = 30) -> AsyncIterator[Permits]:
    permits = Permits(url, patience)
    try:
        yield permits
    finally:
        await permits.close()


@asynccontextmanager
async def operator_at(url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(url) as client:
        yield client


@given(
    st.lists(limits, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 3_000_000), asks), min_size=1, max_size=12),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_the_script_and_the_law_in_python_agree_to_the_microsecond(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory, several: list[Limit], asked: list[tuple[int, Ask]]
) -> None:
    """Over any limits and times; a lease is given back that there is, that has ended, or that never was."""
    names = Policies({str(number): limit for number, limit in enumerate(several)})
    stored: list[Bucket] | list[None] = [None] * len(several)
    async with TimedStore(redis_url, _scratch(tmp_path_factory)) as store:
        keys = tuple(store.key(str(number)) for number in range(len(several)))
        for gap, ask in asked:
            store.now += gap
            named = ask._replace(slot=(store.now + LIFE) // SLOT + 1 - ask.slot)
            expected, stored = lend(stored, store.now, names, named)
            assert await store.lend(names, keys, named) == expected


def _scratch(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("script")


async def test_four_gateways_together_admit_the_limit_and_what_refills_meanwhile(redis_url: str) -> None:
    key = str(uuid4())
    async with (
        permits_at(redis_url) as one,
        permits_at(redis_url) as two,
        permits_at(redis_url) as three,
        permits_at(redis_url) as four,
    ):
        began = time.monotonic()
        taken = await asyncio.gather(
            *(gateway.take(key, FIFTY) for _ in range(250) for gateway in (one, two, three, four))
        )
    refilled = (time.monotonic() - began) * MICROSECONDS / interval(FIFTY)
    assert 50 <= sum(decision.admitted for decision in taken) <= 50 + refilled + 1


async def test_a_bucket_that_redis_forgot_is_had_once_more_and_no_more(redis_url: str) -> None:
    """As docs/limits.md says of FLUSHALL; here of one key, with permits of it out on lease."""
    key, limit = str(uuid4()), Limit.parse("400/1h")
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        first = [await permits.take(key, limit) for _ in range(200)]
        assert permits.leases.held > 0
        await operator.delete(f"limit {key}")
        again = [await permits.take(key, limit) for _ in range(700)]
    assert sum(decision.admitted for decision in first) == 200
    assert 400 <= sum(decision.admitted for decision in again) <= 400 + 20


async def test_a_bucket_that_is_full_again_leaves_no_key(redis_url: str) -> None:
    key = str(uuid4())
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        await permits.take(key, FIFTY)
        left = await operator.pttl(f"limit {key}")
    assert 0 < left <= interval(FIFTY) / 1000 + 2


async def test_checks_that_wait_together_cost_one_round_trip(redis_url: str) -> None:
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        await permits.take(str(uuid4()), FIFTY)
        before = (await operator.info("stats"))["total_reads_processed"]
        await asyncio.gather(*(permits.take(str(uuid4()), FIFTY) for _ in range(32)))
        after = (await operator.info("stats"))["total_reads_processed"]
    assert after - before == 2  # the checks, and the question itself


async def test_scripts_that_redis_forgot_are_loaded_again(redis_url: str) -> None:
    key = str(uuid4())
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        await permits.take(key, FIFTY)
        await operator.script_flush()
        taken = await asyncio.gather(*(permits.take(key, FIFTY) for _ in range(10)))
    assert [decision.remaining for decision in taken] == [*range(48, 38, -1)]


async def test_a_stall_of_this_process_is_not_held_against_redis(redis_url: str) -> None:
    async def stall() -> None:
        await asyncio.sleep(0)  # the check has left
        time.sleep(0.6)  # noqa: ASYNC251  this is the stall

    async with permits_at(redis_url, patience=0.3) as permits:
        await permits.take(str(uuid4()), FIFTY)
        taken, _ = await asyncio.gather(permits.take(str(uuid4()), FIFTY), stall())
    assert taken.admitted


async def test_nobody_listening_is_unavailable(redis_server: "RedisServer") -> None:
    redis_server.kill()
    async with permits_at(redis_server.url) as permits:
        with pytest.raises(Unavailable):
            await permits.take("key", FIFTY)


async def test_a_redis_that_dies_is_unavailable_to_all_that_wait(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as permits:
        await permits.take("key", FIFTY)
        redis_server.hang()
        waiting = [asyncio.ensure_future(permits.take("key", FIFTY)) for _ in range(8)]
        await asyncio.sleep(0)
        redis_server.kill()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 8


async def test_a_redis_that_hangs_is_unavailable_to_all_that_wait(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url, patience=0.05) as permits:
        await asyncio.gather(permits.take("key", FIFTY), return_exceptions=True)
        redis_server.hang()
        answers = await asyncio.gather(*(permits.take("key", FIFTY) for _ in range(8)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 8


async def test_an_error_reply_is_unavailable_to_the_check_it_answers(redis_url: str) -> None:
    broken = str(uuid4())
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        await operator.lpush(f"limit {broken}", "not a bucket")
        answers = await asyncio.gather(
            permits.take(broken, FIFTY), permits.take(str(uuid4()), FIFTY), return_exceptions=True
        )
    assert isinstance(answers[0], Unavailable)
    assert not isinstance(answers[1], BaseException)


async def test_after_an_end_and_a_start_it_answers_again(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as permits:
        await permits.take("key", FIFTY)
        redis_server.kill()
        redis_server.start()
        with pytest.raises(Unavailable):
            await permits.take("key", FIFTY)
        assert (await permits.take("key", FIFTY)).remaining == 49


async def test_closing_leaves_nobody_waiting(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as permits:
        await permits.take("key", FIFTY)
        redis_server.hang()
        waiting = asyncio.ensure_future(permits.take("key", FIFTY))
        await asyncio.sleep(0)
        await permits.close()
        with pytest.raises(Unavailable):
            await waiting


async def test_seeding_empties_a_bucket_as_far_as_it_was_elsewhere(redis_url: str) -> None:
    key = str(uuid4())
    async with permits_at(redis_url) as permits:
        await permits.seed({key: 40 * interval(FIFTY)})
        assert (await permits.take(key, FIFTY)).remaining == 9


async def test_seeding_never_fills_a_bucket(redis_url: str) -> None:
    key = str(uuid4())
    async with permits_at(redis_url) as permits:
        taken = await asyncio.gather(*(permits.take(key, FIFTY) for _ in range(30)))
        await permits.seed({key: 10 * interval(FIFTY)})
        assert (await permits.take(key, FIFTY)).remaining == taken[-1].remaining - 1


async def test_a_redis_that_is_far_gets_more_time_to_connect_than_to_answer(redis_url: str) -> None:
    class Far(Connection):
        async def _connect(self) -> None:
            await asyncio.sleep(0.1)  # what a handshake takes on the way there and back
            await super()._connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    address = parse_url(redis_url)
    permits = RedisLender(Far(host=address["host"], port=address["port"]), patience=0.09)
    assert await permits.meet(0.0) == 0.0
    await permits.close()


async def test_more_buckets_than_one_call_takes_are_all_seeded(redis_url: str) -> None:
    mark = uuid4()
    async with permits_at(redis_url) as permits, operator_at(redis_url) as operator:
        await permits.seed({f"{mark} {index}": 60 * MICROSECONDS for index in range(1234)})
        assert len(await operator.keys(f"limit {mark} *")) == 1234


async def test_a_lease_stays_on_lease_when_its_bucket_is_seeded(redis_url: str) -> None:
    key, many = str(uuid4()), policies("1000/1h")
    async with permits_at(redis_url) as permits:
        loan = await asked_of(permits.redis, many, (key,), Ask(1, 40))
        await permits.seed({key: 500 * 3_600_000})
        assert (await asked_of(permits.redis, many, (key,), Ask(0, 40))).lent == 10  # of the 50 that may be out
        back = await asked_of(permits.redis, many, (key,), Ask(0, 0, loan.slot, loan.lent, 40))
    assert 529 <= (back.now + 3_600_000_000 - back.tats[0]) // 3_600_000 <= 530  # 500 - 10 + 40


async def test_a_lease_that_nobody_gives_back_ends(redis_url: str, tmp_path: Path) -> None:
    many = policies("1000/1h")
    async with TimedStore(redis_url, tmp_path) as store:
        assert (await store.lend(many, (store.key("a"),), Ask(1, 50))).lent == 50
        store.now += LIFE + SLOT  # longer than it is used, however slow the clock of who has it is
        assert (await store.lend(many, (store.key("a"),), Ask(1, 50))).lent == 0
        store.now += SLOT
        assert (await store.lend(many, (store.key("a"),), Ask(1, 50))).lent == 50


async def test_a_replica_is_left_for_the_master_there_is(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as permits, operator_at(redis_server.url) as operator:
        await permits.take("key", FIFTY)
        before = (await operator.info("stats"))["total_connections_received"]
        await operator.replicaof("127.0.0.1", "1")
        with pytest.raises(Unavailable, match="replica"):
            await permits.take("key", FIFTY)
        await operator.replicaof("NO", "ONE")
        assert (await permits.take("key", FIFTY)).admitted
        assert (await operator.info("stats"))["total_connections_received"] == before + 1


async def test_a_full_redis_takes_from_no_bucket(redis_server: "RedisServer") -> None:
    several, keys = policies("10/1h", "10/1h"), ("one", "two")
    async with permits_at(redis_server.url) as permits, operator_at(redis_server.url) as operator:
        await asked_of(permits.redis, several, keys, Ask(1, 0))
        await operator.config_set("maxmemory", 1)
        with pytest.raises(Unavailable, match="maxmemory"):
            await asked_of(permits.redis, several, keys, Ask(1, 0))
        await operator.config_set("maxmemory", 0)
        loan = await asked_of(permits.redis, several, keys, Ask(1, 0))
    assert loan.tats[0] == loan.tats[1]


async def test_asking_when_all_come_back_tells_a_redis_that_takes_no_writes(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as permits, operator_at(redis_server.url) as operator:
        await permits.redis.meet(0.0)
        await operator.config_set("min-replicas-to-write", 1)
        with pytest.raises(Unavailable):
            await permits.redis.meet(0.0)


async def test_all_who_are_away_are_told_the_same_moment(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as one, permits_at(redis_server.url) as other:
        assert await one.redis.meet(30.0) == 30.0
        assert 20.0 < await other.redis.meet(60.0) < 30.0


async def test_when_the_moment_has_come_there_is_another_one(redis_server: "RedisServer") -> None:
    async with permits_at(redis_server.url) as one:
        await one.redis.meet(0.05)
        while await one.redis.meet(30.0) < 1.0:
            pass
        assert await one.redis.meet(60.0) > 20.0
