"""Hears of every invalidation, wherever it was made: from level two's stream into this instance's memory.

In: what reads the stream. Out: forgotten answers, within a round trip of Redis. When the stream can't be read, level
one is told that it is alone; when something may have been missed, everything is forgotten.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from functions.gateway.stages.cache.levels import Levels
from runtime.serving.background import Sleep, again

PAUSE = 0.5  # seconds after which a reading without news says so
PATIENCE = 1.0  # seconds that a reading may take beyond that
RETRY = 0.2  # seconds after a reading that failed


class News(Protocol):
    """Reads the stream."""

    async def read(self) -> list[bytes] | None:
        """What was invalidated since the last time; None when that can't be told. Raises Unavailable."""


async def follow(news: News, levels: Levels, tell: Callable[[str], object], sleep: Sleep = asyncio.sleep) -> None:
    """Never ends. `tell` is called with what an operator should know: that level two has gone, or is back."""
    answers = True

    async def reading() -> bool:
        nonlocal answers
        answered, answers = answers, False
        try:
            await take(await news.read(), levels)
        except Exception as error:  # noqa: BLE001  whatever it is, what was missed is not known
            levels.lost()
            if answered:
                tell(f"the shared cache is away: {error}")
            return False
        if not answered:
            tell("the shared cache is back")
        answers = True
        return True

    await again("cache-invalidations", reading, lambda worked: 0.0 if worked else RETRY, sleep=sleep)


async def take(names: list[bytes] | None, levels: Levels) -> None:
    """One reading."""
    if names is None:
        levels.forget_all()
    elif names:
        levels.forget(names)
    await levels.heard()
