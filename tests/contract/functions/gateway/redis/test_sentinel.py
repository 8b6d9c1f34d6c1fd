"""A real group of Sentinels: the master is found, found again after a failover, and no limit is exceeded meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from functions.gateway.redis.conversation import Conversation, connection
from functions.gateway.redis.patience import Unavailable
from runtime.units import Limit
from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.redis.group import OTHER, SECRET, Group, watched
from tests.contract.functions.gateway.stages.limit.test_fallback import Gateway
from tests.contract.functions.gateway.town import until

LIMIT = Limit.parse("2000/1h")


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    async with watched(tmp_path) as made:
        yield made


async def port_of(url: str) -> int:
    """Of the server that a conversation is with."""
    conversation = Conversation(connection(url), [], 30)
    try:
        lines = (await conversation.ask("INFO", "server")).decode().splitlines()
    finally:
        await conversation.close()
    return int(dict(line.split(":", 1) for line in lines if ":" in line)["tcp_port"])


async def test_the_master_is_found_whoever_of_the_sentinels_is_away(group: Group) -> None:
    master = await group.master()
    assert await port_of(group.url) == master
    group.sentinels[0].kill()
    group.sentinels[1].hang()
    assert await port_of(group.url) == master


async def test_where_no_sentinel_knows_nobody_waits_and_it_is_said(group: Group) -> None:
    for wrong in (
        group.url.replace("/limits/", "/other/"),
        group.url.replace(OTHER, "wrong"),
        group.url.replace(SECRET, "wrong"),
    ):
        with pytest.raises(Unavailable):
            await port_of(wrong)


@pytest.mark.parametrize("end", [RedisServer.kill, RedisServer.hang], ids=["killed", "hanging"])
async def test_a_failover_under_load_fails_no_check_and_admits_at_most_a_tenth_more(
    group: Group, end: Callable[[RedisServer], None]
) -> None:
    four = [Gateway(group.url) for _ in range(4)]
    admitted, going_on = 0, True

    async def load(gateway: Gateway) -> None:
        nonlocal admitted
        while going_on:
            admitted += await gateway.admitted(1, LIMIT)
            await asyncio.sleep(0.01)

    async def a_fifth_is_used() -> bool:
        return admitted >= 400

    first = await group.master()
    tasks = [asyncio.create_task(load(gateway)) for gateway in four]
    await until(a_fifth_is_used)
    end(group.servers[first])
    second = await group.until_another(first)
    for gateway in four:
        await gateway.until("limits-shared")
    going_on = False
    await asyncio.gather(*tasks)
    admitted += sum(await asyncio.gather(*(gateway.admitted(600, LIMIT) for gateway in four)))
    assert 1500 <= admitted <= 2200
    assert not any(gateway.permits.away for gateway in four)
    async with group.operator(second) as operator:
        assert await operator.exists("limit key")
    for gateway in four:
        await gateway.close()
