"""What is kept too long leaves the database in the background, while a function runs.

In: what removes it. It runs once in a while with jitter, so that instances that started together do not meet at the
database. A failure is logged and costs nothing but time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from runtime import log
from runtime.background import beside

BATCH = 500
EVERY = 600.0  # seconds between two runs, on average

Purge = Callable[[], Awaitable[int]]  # how many rows it removed
Sleep = Callable[[float], Awaitable[object]]

logger = log.get(__name__)


def purging(purge: Purge, *, sleep: Sleep = asyncio.sleep) -> AbstractAsyncContextManager[None]:
    """Runs `purge` again and again for the length of the block; a run that is under way at its end is cancelled."""
    return beside(_forever(purge, sleep))


async def in_batches(remove: Callable[[int], Awaitable[int]]) -> int:
    """Calls `remove` with how many rows it may remove at once, until there are none left; how many that were in all.

    Each call is a transaction of its own, so that nobody waits for long behind it.
    """
    total = 0
    while removed := await remove(BATCH):
        total += removed
    return total


async def _forever(purge: Purge, sleep: Sleep) -> None:
    while True:
        await sleep(EVERY * random.uniform(0.5, 1.5))  # noqa: S311  jitter is no secret
        try:
            logger.info("purged", removed=await purge())
        except Exception as error:  # whatever a driver raises, the next run may go well
            logger.warning("could not purge", exc_info=error)
