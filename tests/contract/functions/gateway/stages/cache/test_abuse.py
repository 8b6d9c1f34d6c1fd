"""What clients have level two keep takes little more of Redis than a gateway would count for it."""

import asyncio

import pytest

from functions.gateway.redis.conversation import connection
from functions.gateway.stages.cache.redis import RedisLevel
from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.stages.cache.conftest import PATIENCE
from tests.unit.functions.gateway.stages.cache.abuse import ABUSES, answers

FACTOR = 1.5
_EPOCH = 400  # bytes that a group takes for its epoch, which is kept apart


@pytest.mark.parametrize("abuse", ABUSES)
async def test_redis_holds_little_more_than_what_is_counted(redis_server: RedisServer, abuse: str) -> None:
    level = RedisLevel(connection(redis_server.url), PATIENCE)
    before = await used(level)
    counted = 0
    for key, stored in answers(abuse, 300):
        moment: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        level.find(key, lambda found: moment.set_result(found.moment if found else b""))  # noqa: B023
        level.keep(key, [f"things group {group}".encode() for group in stored.groups], stored, await moment)
        counted += stored.weight + len(key) + _EPOCH * len(stored.groups)
    took = await used(level) - before
    await level.close()
    assert 0 < took <= FACTOR * counted


async def used(level: RedisLevel) -> int:
    """Bytes of Redis' data."""
    told = await level._redis.ask("MEMORY", "STATS")
    said = dict(zip(told[::2], told[1::2], strict=True))
    return int(said[b"dataset.bytes"])
