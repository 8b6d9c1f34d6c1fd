"""Level two on a real Redis: what gateways share, what they forget together, and what remains when Redis doesn't."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.invalidation import Invalidation
from functions.gateway.stages.cache.keys import names
from functions.gateway.stages.cache.levels import ALONE, Levels
from functions.gateway.stages.cache.redis import MOST, STREAM, entry, field
from functions.gateway.stages.cache.shelf import VARIANTS
from tests.contract.conftest import RedisServer
from tests.contract.functions.gateway.stages.cache.conftest import Gateway, until
from tests.unit.functions.gateway.stages.cache.heads import get, held

KEY = b"things /1"
MANY = [b"things group %d" % number for number in range(20_000)]  # a script hands on a few thousand in one command
Two = tuple[Gateway, Gateway]


def answer(*lines: str, body: bytes = b"0123456789", asked: tuple[str, ...] = ()) -> Stored:
    """One that came now."""
    made = held("Cache-Control: max-age=60", 'Cache-Groups: "one", "two"', *lines, body=body, asked=get(*asked))
    moved = time.time() - made.received
    return msgspec.structs.replace(
        made,
        **{name: getattr(made, name) + moved for name in ("requested", "received", "date", "born", "fresh_until")},
    )


async def keep(gateway: Gateway, stored: Stored) -> None:
    """As a fill does that begins and ends now; it is kept on both levels when this returns."""
    gateway.levels.keep("things", KEY, stored, (await gateway.levels.recall(KEY)).began)
    await gateway.levels.recall(KEY)


async def found(gateway: Gateway) -> list[Stored]:
    """What this gateway finds on any level."""
    return list((await gateway.levels.recall(KEY)).held)


@pytest.fixture
async def operator(redis_server: RedisServer) -> AsyncIterator["Redis"]:
    """Somebody at the prompt of Redis."""
    async with Redis.from_url(redis_server.url) as made:
        yield made


async def test_what_one_gateway_keeps_another_finds(gateways: Two) -> None:
    one, other = gateways
    await keep(one, stored := answer())
    assert await found(other) == [stored]
    assert other.levels.held(KEY) == (stored,)


@pytest.mark.parametrize("name", [KEY, b"things group one", b"things group two"])
async def test_an_invalidation_reaches_every_gateway_and_level_two(gateways: Two, name: bytes) -> None:
    one, other = gateways
    await keep(one, answer())
    assert await found(other)
    await one.levels.invalidate([name])
    assert await found(one) == []
    await until(lambda: not other.levels.held(KEY))
    assert await found(other) == []


async def test_however_much_is_invalidated_at_once_everybody_hears_of_it(gateways: Two) -> None:
    one, other = gateways
    await keep(one, answer())
    assert await found(other)
    await one.levels.invalidate([*MANY, KEY])
    assert not one.levels.alone
    await until(lambda: not other.levels.held(KEY))


async def test_so_it_is_with_all_that_waited_for_level_two(gateways: Two) -> None:
    one, other = gateways
    await keep(one, answer())
    assert await found(other)
    one.levels.tell_later([*MANY, KEY])
    await until(lambda: not other.levels.held(KEY))
    assert not one.levels.alone


@pytest.mark.parametrize("groups", [("x" * 30_000,), tuple(f"{number:x>100}" for number in range(300))])
async def test_the_stream_takes_few_bytes_however_long_and_many_names_are(
    gateways: Two, operator: "Redis", groups: tuple[str, ...]
) -> None:
    one, _ = gateways
    for _ in range(20):
        await one.levels.invalidate(names("things", Invalidation(groups=groups)))
    size = await operator.memory_usage(STREAM, samples=0)
    assert size is not None
    assert size / await operator.xlen(STREAM) * MOST < 32 * 1024**2


async def test_a_group_of_another_function_is_another_group(gateways: Two) -> None:
    one, other = gateways
    await keep(one, answer())
    await one.levels.invalidate([b"users group one"])
    assert await found(other)


@pytest.mark.parametrize("name", [KEY, b"things group two"])
async def test_what_began_before_an_invalidation_is_never_kept_whoever_invalidated(gateways: Two, name: bytes) -> None:
    one, other = gateways
    began = (await one.levels.recall(KEY)).began
    await other.levels.invalidate([name])
    one.levels.keep("things", KEY, answer(), began)
    await until(lambda: not one.levels.held(KEY))
    assert await found(other) == await found(one) == []
    await keep(one, again := answer())
    assert await found(other) == [again]


@pytest.mark.parametrize("lost", [STREAM, b"epoch things group one"])
async def test_whatever_redis_evicts_the_worst_is_a_miss(gateways: Two, operator: "Redis", lost: bytes) -> None:
    one, other = gateways
    began = (await one.levels.recall(KEY)).began
    await keep(one, answer())
    await operator.delete(lost)
    if lost == STREAM:
        await other.levels.invalidate([KEY])
        one.levels.keep("things", KEY, answer(), began)
    assert await found(other) == []


async def test_a_stream_that_was_lost_makes_every_gateway_forget_everything(gateways: Two, operator: "Redis") -> None:
    one, _ = gateways
    await keep(one, answer())
    await operator.delete(STREAM)
    await until(lambda: not one.levels.held(KEY))


async def test_everything_is_forgotten_by_everybody_and_what_was_under_way_is_not_kept(
    gateways: Two, operator: "Redis"
) -> None:
    one, other = gateways
    began = (await one.levels.recall(KEY)).began
    await operator.mset({"of somebody else": "1", **{f"cache things /{number}": "" for number in range(2, 3000)}})
    await keep(one, answer())
    assert await found(other)
    assert await other.far.clear()
    await until(lambda: not one.levels.held(KEY) and not other.levels.held(KEY))
    one.levels.keep("things", KEY, answer(), began)
    assert await found(one) == await found(other) == []
    assert [key async for key in operator.scan_iter("cache things *")] == []
    assert await operator.get("of somebody else") == b"1"
    await keep(one, stored := answer())
    assert await found(other) == [stored]


async def test_variants_are_kept_beside_each_other_and_their_number_is_bounded(
    gateways: Two, operator: "Redis"
) -> None:
    one, other = gateways
    for number in range(3):
        await keep(one, answer("Vary: X", asked=(f"X: {number}",)))
    assert len(await found(other)) == 3
    for number in range(2 * VARIANTS):
        await keep(one, answer("Vary: X", asked=(f"X: {number}",)))
    assert await operator.hlen(entry(KEY)) <= VARIANTS + 2


async def test_what_is_outdated_goes_and_the_rest_stays(gateways: Two) -> None:
    one, other = gateways
    old, new = (answer("Vary: X", asked=(f"X: {number}",)) for number in range(2))
    await keep(one, old)
    await keep(one, new)
    one.levels.drop(KEY, [old])
    assert await found(other) == [new]


async def test_what_another_version_wrote_is_not_read(gateways: Two, operator: "Redis") -> None:
    one, other = gateways
    await keep(one, stored := answer())
    await operator.hset(entry(KEY), mapping={b"00000000 older": b"\x91\x01", field(stored): b"broken"})
    assert await found(other) == []


async def test_no_answer_is_kept_for_longer_than_it_can_be_of_use(gateways: Two, operator: "Redis") -> None:
    await keep(gateways[0], stored := answer())
    lasts = stored.kept_until - stored.received
    assert 0 < await operator.pttl(entry(KEY)) <= lasts * 1000 + 1


async def test_one_of_two_has_the_turn_until_it_gives_it_up(gateways: Two) -> None:
    one, other = gateways
    assert await one.far.claim(b"x", 60)
    assert await one.far.claim(b"x", 60)
    assert not await other.far.claim(b"x", 60)
    other.far.release(b"x")
    assert not await other.far.claim(b"x", 60)
    one.far.release(b"x")
    await one.far.claim(b"y", 60)
    assert await other.far.claim(b"x", 60)


async def test_while_redis_hangs_no_request_waits_for_it_twice_and_only_what_is_new_is_served(
    redis_server: RedisServer,
) -> None:
    async with Gateway(redis_server.url, patience=0.05).running() as gateway:
        levels = gateway.levels
        levels.keep("things", KEY, stored := answer(), (await levels.recall(KEY)).began)
        redis_server.hang()
        assert await found(gateway) == [stored]
        assert levels.alone
        asked = dict(levels.recalls)
        assert await found(gateway) == [stored]
        assert levels.recalls == asked
        old = msgspec.structs.replace(stored, requested=stored.requested - ALONE - 1)
        levels.shelf.put(KEY, old, ())
        assert [one.always for one in await found(gateway)] == [True]
        redis_server.resume()
        await until(lambda: not levels.alone)
        assert await found(gateway) == [old]


async def test_what_was_invalidated_while_redis_was_away_is_told_when_it_is_back(redis_server: RedisServer) -> None:
    async with Gateway(redis_server.url).running() as one, Gateway(redis_server.url, 0.05).running() as other:
        await keep(one, answer())
        redis_server.hang()
        await other.levels.invalidate([KEY])
        redis_server.resume()
        await until(lambda: not other.levels.alone and not one.levels.held(KEY))
        assert await found(other) == []


async def test_a_redis_that_starts_again_is_empty_and_is_used_again(redis_server: RedisServer) -> None:
    async with Gateway(redis_server.url).running() as one, Gateway(redis_server.url).running() as other:
        await keep(one, answer())
        assert await found(other)
        redis_server.kill()
        await until(lambda: one.levels.alone and other.levels.alone)
        redis_server.start()
        async with asyncio.timeout(30):
            while not await shared(one, other):  # noqa: ASYNC110  what is waited for happens in another process
                await asyncio.sleep(0.05)
        assert one.said[-1] == "the shared cache is back"


async def shared(one: Gateway, other: Gateway) -> bool:
    """Whether what one keeps another finds; each learns by an attempt that its connection was to a Redis that ended."""
    await keep(one, stored := answer())
    other.levels.forget_all()
    return await found(other) == [stored]


async def test_a_thousand_who_recall_at_once_make_one_question(gateways: Two) -> None:
    levels: Levels = gateways[0].levels
    await asyncio.gather(*(levels.recall(KEY) for _ in range(1000)))
    assert levels.recalls["missed"] == 1
