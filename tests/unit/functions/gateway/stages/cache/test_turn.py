"""Which of two gateways asks, and what the other one makes of it."""

import asyncio

from functions.gateway.stages.cache.decision import Fetch
from functions.gateway.stages.cache.levels import Began, Levels
from functions.gateway.stages.cache.status import URI_MISS
from functions.gateway.stages.cache.turn import Question, Turn
from tests.unit.functions.gateway.stages.cache.heads import NOW, get
from tests.unit.functions.gateway.stages.cache.shared import Shared
from tests.unit.functions.gateway.stages.cache.test_levels import KEY, STORED, heard

NAME = KEY, b"portico.test"


async def turn(levels: Levels, deadline: float = 60.0, *, named: bool = True) -> Turn:
    """Of a gateway that has looked."""
    began = (await levels.recall(KEY)).began
    question = Question(get(), KEY, NAME if named else None, Fetch(URI_MISS), began)
    return Turn(levels, question, deadline, lambda: NOW)


async def test_the_first_asks_and_the_second_gets_what_it_brought() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    first, second = await turn(one), await turn(other)
    assert await first.elsewhere() is None
    waiting = asyncio.create_task(second.elsewhere())
    await asyncio.sleep(0)
    one.keep("things", KEY, STORED, first.began)
    first.over(None)
    assert await waiting == STORED


async def test_who_waits_asks_when_the_first_brought_nothing() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    first, second = await turn(one), await turn(other)
    assert await first.elsewhere() is None
    waiting = asyncio.create_task(second.elsewhere())
    await asyncio.sleep(0)
    first.over(None)
    assert await waiting is None
    second.over(None)
    assert far.claims == set()


async def test_who_ends_while_it_claims_leaves_no_claim() -> None:
    """The claim may have been made by then, and would keep all others waiting for a question that nobody asks."""
    far = Shared()
    first = await turn(await heard(far))
    claiming = asyncio.Event()
    claim = far.claim

    async def slow(name: bytes, seconds: float) -> bool:
        made = await claim(name, seconds)
        claiming.set()
        await asyncio.Event().wait()
        return made

    far.claim = slow  # type: ignore[method-assign]
    asking = asyncio.create_task(first.elsewhere())
    await claiming.wait()
    asking.cancel()
    await asyncio.wait({asking})
    first.over(None)
    assert far.claims == set()


async def test_nobody_waits_for_longer_than_half_a_deadline() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    assert await (await turn(one)).elsewhere() is None
    second = await turn(other, deadline=0.01)
    assert await second.elsewhere() is None
    second.over(None)
    assert far.claims  # the first one's, still


async def test_who_has_not_looked_looks_first() -> None:
    far = Shared()
    one, other = await heard(far), await heard(far)
    one.keep("things", KEY, STORED, (await one.recall(KEY)).began)
    question = Question(get(), KEY, NAME, Fetch(URI_MISS), Began(other.now))
    assert await Turn(other, question, 60.0, lambda: NOW).elsewhere() == STORED


async def test_what_only_this_request_asks_waits_for_nobody() -> None:
    far = Shared()
    far.claims.add(b"\n".join(NAME))
    assert await (await turn(await heard(far), named=False)).elsewhere() is None


async def test_without_a_level_two_it_is_always_this_one_s_turn() -> None:
    levels = Levels(10_000)
    levels.keep("things", KEY, STORED, Began(levels.now))
    assert await (await turn(levels)).elsewhere() is None
