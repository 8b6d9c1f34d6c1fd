"""Patience runs out. That a stall of this process does not count is shown with a real Redis."""

import asyncio

import pytest

from functions.gateway.redis.patience import Patience


async def test_what_never_comes_is_waited_for_no_longer_than_said() -> None:
    with pytest.raises(TimeoutError):
        async with Patience(0.01):
            await asyncio.Event().wait()


async def test_what_comes_in_time_is_not_disturbed() -> None:
    async with Patience(60) as patience:
        await asyncio.get_running_loop().run_in_executor(None, int)
    assert patience.spent == 0


async def test_waiting_is_told_in_whole_steps() -> None:
    with pytest.raises(TimeoutError):
        async with Patience(0.01) as patience:
            await asyncio.Event().wait()
    assert patience.spent == pytest.approx(0.01)
