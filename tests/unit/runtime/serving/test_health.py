"""runtime/serving/health.py: how a process is."""

import asyncio

import pytest

from runtime.serving.health import Health, Report, State


async def answers() -> None:
    """A dependency that is up."""


async def fails() -> None:
    raise ConnectionRefusedError("nobody there, at a host that nobody outside should read of")


async def hangs() -> None:
    await asyncio.Event().wait()


def test_a_process_starts_is_ready_and_drains() -> None:
    health = Health()
    seen: list[State] = [health.state]
    health.start()
    seen.append(health.state)
    health.drain()
    seen.append(health.state)
    assert seen == [State.STARTING, State.READY, State.DRAINING]


async def test_who_waits_for_it_hears_that_it_is_ready() -> None:
    health = Health()
    waiting = asyncio.create_task(health.until_ready())
    await asyncio.sleep(0)
    assert not waiting.done()
    health.start()
    await waiting


async def test_who_asks_late_does_not_wait() -> None:
    health = Health()
    health.start()
    await health.until_ready()


async def test_a_report_tells_of_every_dependency_and_nothing_of_the_inside() -> None:
    health = Health({"database": answers, "redis": fails})
    health.start()
    health.in_flight += 1
    assert await health.report() == Report("ready", 1, {"database": "up", "redis": "down: ConnectionRefusedError"})


async def test_a_dependency_that_hangs_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.serving.health._PATIENCE", 0)
    assert (await Health({"database": hangs}).report()).dependencies == {"database": "down: TimeoutError"}


def test_a_dependency_that_is_down_drains_nobody() -> None:
    health = Health({"redis": fails})
    health.start()
    asyncio.run(health.report())
    assert health.state is State.READY


def test_one_health_serves_two_loops_one_after_the_other() -> None:
    health = Health()

    async def live() -> bool:
        health.state = State.STARTING
        waiting = asyncio.create_task(health.until_ready())
        await asyncio.sleep(0)
        health.start()
        await waiting
        return health.state is State.READY

    assert [asyncio.run(live()), asyncio.run(live())] == [True, True]
