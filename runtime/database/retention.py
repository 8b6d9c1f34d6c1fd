"""What is kept too long leaves the database in the background, while a function runs.

In: what removes it. It runs once in a while with jitter, so that instances that started together do not meet at the
database. A failure costs nothing but time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from runtime.serving.background import Sleep, again, beside
from runtime.telemetry import log

BATCH = 500
EVERY = 600.0  # seconds between two runs, on average

Purge = Callable[[], Awaitable[int]]  # how many rows it removed

logger = log.get(__name__)


def purging(purge: Purge, *, sleep: Sleep = asyncio.sleep) -> AbstractAsyncContextManager[None]:
    """Runs `purge` again and again for the length of the block; a run that is under way at its end is cancelled."""
    return beside(again("purge", lambda: _purged(purge), _pause, sleep=sleep))


async def in_batches(remove: Callable[[int], Awaitable[int]]) -> int:
    """Calls `remove` with how many rows it may remove at once, until there are none left; how many that were in all.

    Each call is a transaction of its own, so that nobody waits for long behind it.
    """
    total = 0
    while removed := await remove(BATCH):
        total += removed
    return total


def _pause(_worked: bool) -> float:  # noqa: FBT001  see Pause
    return EVERY * random.uniform(0.5, 1.5)  # noqa: S311  jitter is no secret


async def _purged(purge: Purge) -> None:
    logger.info("purged", removed=await purge())
