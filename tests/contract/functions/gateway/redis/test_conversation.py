"""Questions to a real Redis over one connection: together in one round trip, and none left without a reply."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from functions.gateway.redis.conversation import Conversation, Script, connection
from functions.gateway.redis.patience import Unavailable

if TYPE_CHECKING:
    from tests.contract.conftest import RedisServer


@asynccontextmanager
async def conversation_with(
    url: str, scripts: Sequence[Script] = (), patience: float = 30
) -> AsyncIterator[Conversation]:
    made = Conversation(connection(url), scripts, patience)
    try:
        yield made
    finally:
        await made.close()


async def test_each_question_gets_its_own_reply(redis_url: str) -> None:
    async with conversation_with(redis_url) as redis:
        said = await asyncio.gather(*(redis.ask("ECHO", str(number)) for number in range(100)))
    assert said == [b"%d" % number for number in range(100)]


async def test_questions_that_wait_together_cost_one_round_trip(redis_url: str) -> None:
    async with conversation_with(redis_url) as redis, Redis.from_url(redis_url) as operator:
        await redis.ask("PING")
        before = (await operator.info("stats"))["total_reads_processed"]
        await asyncio.gather(*(redis.ask("PING") for _ in range(32)))
        after = (await operator.info("stats"))["total_reads_processed"]
    assert after - before == 2  # the questions, and the one how many there were


async def test_a_script_that_redis_does_not_know_is_told_and_called(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "mine.lua").write_text(f"return '{uuid4()}'")
    script = Script(tmp_path / "mine.lua")
    async with conversation_with(redis_url, [script]) as redis:
        said = await asyncio.gather(*(redis.ask("EVALSHA", script.digest, 0) for _ in range(3)))
    assert {b"return '%b'" % reply for reply in said} == {script.source}


async def test_an_error_is_for_who_asked_wrong(redis_url: str) -> None:
    async with conversation_with(redis_url) as redis:
        wrong, right = await asyncio.gather(redis.ask("EVALSHA"), redis.ask("PING"), return_exceptions=True)
    assert isinstance(wrong, Unavailable)
    assert right == b"PONG"


async def test_one_that_hangs_keeps_nobody_longer_than_said(redis_server: "RedisServer") -> None:
    async with conversation_with(redis_server.url, patience=0.05) as redis:
        await asyncio.gather(redis.ask("PING"), return_exceptions=True)
        redis_server.hang()
        said = await asyncio.gather(*(redis.ask("PING") for _ in range(8)), return_exceptions=True)
    assert [type(reply) for reply in said] == [Unavailable] * 8


async def test_nobody_listening_is_said_by_opening(redis_server: "RedisServer") -> None:
    redis_server.kill()
    async with conversation_with(redis_server.url) as redis:
        with pytest.raises(Unavailable):
            await redis.open()


async def test_a_reply_that_its_reader_can_not_read_is_unavailable_for_that_one_and_for_no_other(
    redis_url: str,
) -> None:
    told: list[object] = []

    def pedantic(reply: object) -> None:
        told.append(reply)
        if not isinstance(reply, Unavailable):
            raise TypeError("of another shape than was thought")

    async with conversation_with(redis_url) as redis:
        first = redis.ask("ECHO", "first")
        redis.put(lambda: ("ECHO", "odd"), pedantic)
        last = redis.ask("ECHO", "last")
        assert [await first, await last] == [b"first", b"last"]
        assert await redis.ask("ECHO", "later") == b"later"
    assert told[0] == b"odd"
    assert isinstance(told[1], Unavailable)


async def test_a_question_that_can_not_be_made_is_unavailable_and_keeps_no_other_from_being_asked(
    redis_url: str,
) -> None:
    told: list[object] = []

    def unmakable() -> tuple[str, ...]:
        raise ValueError("of what was to be asked")

    async with conversation_with(redis_url) as redis:
        first = redis.ask("ECHO", "first")
        redis.put(unmakable, told.append)
        assert [await first, await redis.ask("ECHO", "last")] == [b"first", b"last"]
    assert [type(reply) for reply in told] == [Unavailable]


async def test_a_command_that_can_not_be_packed_leaves_nobody_without_a_reply(redis_url: str) -> None:
    async with conversation_with(redis_url) as redis:
        odd = redis.ask("ECHO", [1])  # type: ignore[arg-type]  # which no caller of ours does
        said = await asyncio.gather(odd, redis.ask("ECHO", "other"), return_exceptions=True)
        assert [type(reply) for reply in said] == [Unavailable] * 2
        assert await redis.ask("ECHO", "later") == b"later"
