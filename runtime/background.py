"""Work beside the requests: a coroutine goes in, and runs for the length of a block.

It is cancelled at the block's end and has ended then. Nobody waits for it to end by itself, so it catches its errors.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Runs `work` for the length of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
