"""Who comes first is served first, and nothing is lost with who leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.database.turns import Turns


async def begun(work: Coroutine[Any, Any, int]) -> "asyncio.Task[int]":
    """A task that has come to its first wait."""
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    return task


async def test_what_was_used_last_is_had_first() -> None:
    turns = Turns([1, 2])
    assert (turns.now(), turns.now(), turns.now()) == (2, 1, None)
    turns.give(2)
    turns.give(1)
    assert turns.now() == 1


async def test_who_comes_later_does_not_overtake_who_waits() -> None:
    turns = Turns([1])
    held = await turns.wait()
    first, second = await begun(turns.wait()), await begun(turns.wait())
    turns.give(held)
    assert turns.now() is None
    turns.give(await first)
    assert await second == 1


async def test_who_leaves_the_line_is_passed_over() -> None:
    turns = Turns([1])
    held = await turns.wait()
    first, second = await begun(turns.wait()), await begun(turns.wait())
    first.cancel()
    await asyncio.wait([first])
    turns.give(held)
    assert await second == 1


async def test_who_is_cancelled_as_its_turn_comes_passes_it_on() -> None:
    turns = Turns([1])
    held = await turns.wait()
    first, second = await begun(turns.wait()), await begun(turns.wait())
    turns.give(held)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1


@given(st.lists(st.sampled_from(["come", "give", "cancel", "turn"]), max_size=40))
def test_things_are_free_or_held_by_one_whatever_happens(steps: list[str]) -> None:
    async def play() -> None:
        turns = Turns([1, 2])
        waiting: list[asyncio.Task[int]] = []
        held: list[int] = []
        for step in [*steps, "turn", "turn"]:
            if step == "come":
                waiting.append(asyncio.create_task(turns.wait()))
            elif step == "give" and held:
                turns.give(held.pop())
            elif step == "cancel" and waiting:
                waiting[len(waiting) // 2].cancel()
            elif step == "turn":
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                done = [task for task in waiting if task.done()]
                waiting = [task for task in waiting if not task.done()]
                held += [task.result() for task in done if not task.cancelled()]
        assert sorted([*held, *turns.free]) == [1, 2]
        assert not (waiting and turns.free)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(play())
