"""runtime/database/retention.py: again and again, whatever happens, until the end."""

import asyncio

from runtime.database.retention import BATCH, EVERY, in_batches, purging


class Purge:
    """Fails every other time, and is awaited until it has run `enough` times."""

    def __init__(self, enough: int) -> None:
        self.runs = 0
        self.waits: list[float] = []
        self._enough = enough
        self.done = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        if self.runs == self._enough:
            self.done.set()
            await asyncio.Event().wait()
        if self.runs % 2:
            raise OSError("the database is away")
        return 1

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_it_runs_again_after_a_failure_and_is_cancelled_at_the_end() -> None:
    purge = Purge(6)
    async with purging(purge, sleep=purge.sleep):
        await purge.done.wait()
    assert purge.runs == 6


async def test_instances_that_start_together_do_not_run_together() -> None:
    purge = Purge(50)
    async with purging(purge, sleep=purge.sleep):
        await purge.done.wait()
    assert len(set(purge.waits)) == 50
    assert all(EVERY / 2 <= wait <= EVERY * 1.5 for wait in purge.waits)


async def test_batches_end_when_nothing_is_left() -> None:
    left, asked = [BATCH, BATCH, 7, 0], []

    async def remove(limit: int) -> int:
        asked.append(limit)
        return left.pop(0)

    assert await in_batches(remove) == 2 * BATCH + 7
    assert asked == [BATCH] * 4
