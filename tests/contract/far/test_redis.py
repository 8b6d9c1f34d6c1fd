"""A gateway's Redis on a machine that dies: whoever asks is told, whenever it was found out, and never left waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from functions.gateway.redis.conversation import Conversation, connection
from functions.gateway.redis.patience import Unavailable
from runtime import silence
from tests.contract.conftest import RedisServer
from tests.far import Far, over_there

GIVEN_UP = silence.QUIET + silence.AGAIN * silence.QUESTIONS + silence.UNACKNOWLEDGED  # seconds: by then, for certain
ENOUGH = 30.0  # seconds that a question may wait here: what ends it is not the patience


@pytest.fixture
async def redis(far: Far, tmp_path: Path) -> AsyncIterator[Conversation]:
    server = RedisServer(tmp_path)
    with over_there(far, server.port) as place:
        made = Conversation(connection(f"redis://{place}/0"), [], ENOUGH)
        yield made
        far.plug()
        await made.close()
    server.kill()


async def until_answered(redis: Conversation) -> None:
    """A cable that was just plugged in takes a moment."""
    while True:
        with suppress(Unavailable):
            assert await redis.ask("PING") == b"PONG"
            return


async def test_who_waits_when_it_goes_is_told(redis: Conversation, far: Far) -> None:
    await redis.ask("PING")
    far.pull()
    with pytest.raises(Unavailable):
        await redis.ask("PING")
    far.plug()
    await until_answered(redis)


async def test_who_asks_after_the_kernel_has_given_up_is_told(redis: Conversation, far: Far) -> None:
    await redis.ask("PING")
    far.pull()
    await asyncio.sleep(GIVEN_UP)  # nobody asks meanwhile, so nobody is told
    far.plug()
    with pytest.raises(Unavailable):
        await redis.ask("PING")
    await until_answered(redis)
