"""What one gateway does with what it hears, and when it hears nothing."""

import asyncio

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.cache.follow import RETRY, follow, take
from functions.gateway.stages.cache.levels import Began
from runtime.serving.background import beside
from tests.unit.functions.gateway.stages.cache.shared import Shared
from tests.unit.functions.gateway.stages.cache.test_levels import KEY, STORED, heard


class Story:
    """Readings of a stream, one after the other."""

    def __init__(self, *readings: list[bytes] | Unavailable | None) -> None:
        self._readings = list(readings)
        self.told = asyncio.Event()

    async def read(self) -> list[bytes] | None:
        if not self._readings:
            self.told.set()
            await asyncio.Event().wait()
        reading = self._readings.pop(0)
        if isinstance(reading, Unavailable):
            raise reading
        return reading


async def test_what_is_heard_of_is_forgotten() -> None:
    levels = await heard(Shared())
    levels.keep("things", KEY, STORED, Began(levels.now))
    await take([], levels)
    assert levels.held(KEY) == (STORED,)
    await take([KEY], levels)
    assert levels.held(KEY) == ()


async def test_when_something_may_have_been_missed_everything_is_forgotten() -> None:
    levels = await heard(Shared())
    levels.keep("things", KEY, STORED, Began(levels.now))
    await take(None, levels)
    assert levels.held(KEY) == ()


async def test_an_end_and_a_return_are_said_once_and_level_one_is_alone_between() -> None:
    levels = await heard(Shared())
    said: list[str] = []
    alone: list[bool] = []

    async def sleep(seconds: float) -> None:
        assert seconds == RETRY
        alone.append(levels.alone)

    gone = Unavailable("gone")
    story = Story([], gone, gone, [])
    async with beside(follow(story, levels, said.append, sleep)):
        await story.told.wait()
    assert said == ["the shared cache is away: gone", "the shared cache is back"]
    assert (alone, levels.alone) == ([True, True], False)
