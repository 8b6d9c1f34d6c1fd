"""Gateways' caches on one Redis, each with everything that a gateway has for it, in one process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from functions.gateway.redis.conversation import connection
from functions.gateway.stages.cache.follow import follow
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.redis import Invalidations, RedisLevel
from runtime.serving.background import beside
from tests.contract.conftest import RedisServer

PATIENCE = 2.0  # seconds: a loaded machine is slow, and that is not what is tested


class Gateway:
    """What one gateway keeps, and what it said to its operator."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.far = RedisLevel(connection(url), patience)
        self.levels = Levels(1_000_000, self.far)
        self.far.on_away.append(self.levels.lost)
        self.news = Invalidations(connection(url), pause=0.1, patience=patience)
        self.said: list[str] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Gateway"]:
        async with beside(follow(self.news, self.levels, self.said.append)):
            await until(lambda: not self.levels.alone)
            yield self
        await self.news.close()
        await self.far.close()


async def until(so: Callable[[], bool]) -> None:
    """Waits for what another task or process does."""
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.005)


@pytest.fixture
async def gateways(redis_server: RedisServer) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two of them, on a Redis of their own."""
    async with Gateway(redis_server.url).running() as one, Gateway(redis_server.url).running() as other:
        yield one, other
