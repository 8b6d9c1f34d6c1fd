"""One suite for whatever gives permits: memory, Redis, and the two behind a fallback."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from functions.gateway.redis.conversation import connection
from functions.gateway.stages.limit.bucket import Admission, Refusal
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.redis import RedisLender
from runtime.units import Limit
from tests.lending import Alone, policies

if TYPE_CHECKING:
    from functions.gateway.stages.limit.permits import Permits

HOURLY = Limit.parse("10/1h")
QUICK = Limit.parse("50/1s burst 1")


@pytest.fixture(params=["memory", "redis", "fallback"])
async def permits(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Alone]:
    redis = RedisLender(connection(redis_url), patience=30)
    shared = Leases(redis, live=lambda: 1)
    fallback = Fallback(shared, redis, MemoryPermits(), live=lambda: 1)
    every: dict[str, Permits] = {"memory": MemoryPermits(), "redis": shared, "fallback": fallback}
    yield Alone(every[request.param])
    await fallback.close()
    await redis.close()


@pytest.fixture
def key() -> str:
    return f"users GET /users/{{id}} address {uuid4()}"


async def test_the_burst_is_admitted_at_once_and_no_more(permits: Alone, key: str) -> None:
    taken = [await permits.take(key, HOURLY) for _ in range(12)]
    assert [decision.admitted for decision in taken] == [True] * 10 + [False] * 2
    assert [decision.remaining for decision in taken] == [*range(9, -1, -1), 0, 0]


async def test_a_hundred_at_once_get_what_there_is(permits: Alone, key: str) -> None:
    taken = await asyncio.gather(*(permits.take(key, HOURLY) for _ in range(100)))
    assert sum(decision.admitted for decision in taken) == 10


async def test_a_refused_one_is_told_when_to_come_back(permits: Alone, key: str) -> None:
    refused = [await permits.take(key, HOURLY) for _ in range(11)][-1]
    assert 350 < refused.retry_after <= 360
    assert refused.next_permit == refused.retry_after


async def test_permits_come_back_with_time(permits: Alone, key: str) -> None:
    await permits.take(key, QUICK)
    for _ in range(1_000_000):
        if (await permits.take(key, QUICK)).admitted:
            return
        await asyncio.sleep(0)
    pytest.fail("no permit ever came back")


async def test_keys_share_nothing(permits: Alone, key: str) -> None:
    for _ in range(10):
        await permits.take(key, HOURLY)
    assert (await permits.take(f"{key}x", HOURLY)).remaining == 9


async def test_a_key_may_hold_any_text(permits: Alone, key: str) -> None:
    assert (await permits.take(f"{key} ü {{}}\r\n\x00", HOURLY)).remaining == 9


async def test_a_client_that_goes_while_it_waits_harms_nobody(permits: Alone, key: str) -> None:
    gone = asyncio.ensure_future(permits.take(f"{key}gone", HOURLY))
    stays = asyncio.ensure_future(permits.take(key, HOURLY))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).remaining == 9


async def test_of_several_buckets_all_give_a_permit_or_none(permits: Alone, key: str) -> None:
    several, keys = policies("10/1h", "3/1h", "20/1h"), (f"{key} a", f"{key} b", f"{key} c")
    taken = [await permits.permits.take(several, keys) for _ in range(5)]
    assert [isinstance(verdict, Admission) for verdict in taken] == [True] * 3 + [False] * 2
    assert isinstance(taken[-1], Refusal)
    assert taken[-1].violated == (1,)
    assert [state.remaining for state in taken[-1].states] == [7, 0, 17]
    assert (await permits.take(keys[0], HOURLY)).remaining == 6


async def test_what_is_used_up_is_known_without_taking(permits: Alone, key: str) -> None:
    alone = policies("10/1h")
    for _ in range(11):
        await permits.take(key, HOURLY)
    refusal = permits.permits.refusal(alone, (key,))
    assert refusal is not None
    assert (refusal.violated, refusal.states[0].remaining) == ((0,), 0)
    assert permits.permits.refusal(alone, (f"{key}x",)) is None
