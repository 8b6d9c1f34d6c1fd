"""runtime/background.py: work lives as long as the block it is beside."""

import asyncio
from contextlib import suppress

from runtime.background import beside


async def test_it_runs_during_the_block_and_has_ended_after_it() -> None:
    said: list[str] = []

    async def work() -> None:
        said.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ended")

    with suppress(KeyError):
        async with beside(work()):
            await asyncio.sleep(0)
            assert said == ["begun"]
            raise KeyError
    assert said == ["begun", "ended"]
