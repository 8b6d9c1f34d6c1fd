"""A thread that does what it is told, in order."""

import asyncio
import threading
from threading import get_ident

import pytest

from runtime.database.worker import Worker


async def test_calls_are_done_elsewhere_in_the_order_in_which_they_came() -> None:
    worker = Worker("test")
    done: list[int] = []

    def note(number: int) -> int:
        done.append(number)
        return get_ident()

    threads = await asyncio.gather(*(worker.run(note, number) for number in range(9)))
    assert done == list(range(9))
    assert len(set(threads)) == 1
    assert threads[0] != get_ident()
    worker.end()


async def test_what_is_raised_comes_to_who_waits() -> None:
    worker = Worker("test")
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0)
    assert await worker.run(int) == 0
    worker.end()


async def test_who_waits_no_more_disturbs_nobody() -> None:
    worker = Worker("test")
    gate = threading.Event()
    left = asyncio.ensure_future(worker.run(gate.wait))
    left.cancel()
    gate.set()
    assert await worker.run(int) == 0
    worker.end()


def test_a_loop_that_is_gone_disturbs_nobody() -> None:
    worker = Worker("test")
    gate, passed = threading.Event(), threading.Event()

    async def leave() -> None:
        worker.run(gate.wait)
        worker.run(passed.set)

    asyncio.run(leave())
    gate.set()
    assert passed.wait(60)
    assert asyncio.run(_again(worker)) == 0
    worker.end()


async def _again(worker: Worker) -> int:
    return await worker.run(int)
