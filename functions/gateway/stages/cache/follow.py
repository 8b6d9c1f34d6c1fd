"""Hears of every invalidation, wherever it was made: from level two's stream into this instance's memory.

In: what reads the stream. Out: forgotten answers, within a round trip of Redis. When the stream can't be read, level
one is told that it is alone; when something may have been missed, everything is forgotten.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from functions.gateway.stages.cache.levels import Levels

PAUSE = 0.5  # seconds after which a reading without news says so
PATIENCE = 1.0  # seconds that a reading may take beyond that
RETRY = 0.2  # seconds after a reading that failed

Sleep = Callable[[float], Awaitable[object]]


class News(Protocol):
    """Reads the stream."""

    async def read(self) -> list[bytes] | None:
        """What was invalidated since the last time; None when that can't be told. Raises Unavailable."""


async def follow(news: News, levels: Levels, tell: Callable[[str], object], sleep: Sleep = asyncio.sleep) -> None:
    """Never ends. `tell` is called with what an operator should know: that level two has gone, or is back."""
    answers = True
    while True:
        try:
            await take(await news.read(), levels)
        except Exception as error:  # noqa: BLE001  whatever it is, reading goes on: nobody else would
            levels.lost()
            if answers:
                tell(f"the shared cache is away: {error}")
            answers = False
            await sleep(RETRY)
            continue
        if not answers:
            tell("the shared cache is back")
        answers = True


async def take(names: list[bytes] | None, levels: Levels) -> None:
    """One reading."""
    if names is None:
        levels.forget_all()
    elif names:
        levels.forget(names)
    await levels.heard()
