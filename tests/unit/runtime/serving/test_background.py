"""runtime/serving/background.py: work lives as long as the block it is beside, and a loop for ever."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from runtime.serving.background import PATIENCE, Beat, Loop, again, beside, failures, last_worked, until_done
from tests.virtual import played


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


FAILED = False  # says a step that has told why itself


class Work:
    """A step that has `answers` in turn, the last one again and again, and an event for when it has been asked."""

    def __init__(self, *answers: object) -> None:
        self.asked = 0
        self.all_asked = asyncio.Event()
        self._answers = list(answers)

    async def __call__(self) -> object:
        self.asked += 1
        if len(self._answers) == 1:
            self.all_asked.set()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def second(_worked: bool) -> float:  # noqa: FBT001  see Pause
    return 1.0


FAILURES = [
    RuntimeError("ours"),
    OSError("theirs"),
    RecursionError(),
    MemoryError(),
    TimeoutError(),
    SystemExit(1),
    asyncio.CancelledError(),
    BaseException("a library's panic"),
    ExceptionGroup("several", [ValueError()]),
]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_whatever_a_step_raises_there_is_a_next_one(failure: BaseException) -> None:
    async def steps(_clock: object) -> int:
        work = Work(failure, failure, None, failure, None)
        async with beside(again("thing", work, second)):
            await work.all_asked.wait()
        return work.asked

    with capture_logs() as logged:
        assert played(steps) == 5
    assert [line["event"] for line in logged] == ["background work fails", "background work goes on"] * 2
    assert {line["loop"] for line in logged} == {"thing"}


def test_a_step_that_hangs_is_ended_and_there_is_a_next_one() -> None:
    async def moments(clock: Callable[[], float]) -> list[float]:
        at: list[float] = []
        done = asyncio.Event()

        async def step() -> None:
            at.append(clock())
            if len(at) == 3:
                done.set()
            if len(at) == 1:
                await asyncio.Event().wait()

        async with beside(again("thing", step, second)):
            await done.wait()
        return at

    assert played(moments) == [1.0, 2.0 + PATIENCE, 3.0 + PATIENCE]


def test_who_has_told_its_own_failure_is_counted_and_not_told_again() -> None:
    async def steps(_clock: object) -> float:
        before = failures().get(("own",), 0.0)
        work = Work(FAILED, FAILED, None)
        async with beside(again("own", work, second)):
            await work.all_asked.wait()
            return failures()["own",] - before

    with capture_logs() as logged:
        assert played(steps) == 2
    assert logged == []


def test_the_pause_depends_on_whether_it_worked_and_others_have_their_turn_in_any_case() -> None:
    async def asked(_clock: object) -> list[bool]:
        said: list[bool] = []
        work = Work(FAILED, None, None)

        def pause(worked: bool) -> float:  # noqa: FBT001  see Pause
            said.append(worked)
            return 0.0

        async with beside(again("thing", work, pause, worked=False)):
            await work.all_asked.wait()
        return said[:3]

    assert played(asked) == [False, False, True]


async def test_a_loop_is_shown_while_it_runs_with_when_it_last_worked() -> None:
    now = 5.0
    loop = Loop("clock", lambda: now)
    assert ("clock",) not in last_worked()
    loop.begin()
    now = 7.0
    await loop.tried(Work(OSError()))
    assert last_worked()["clock",] == 5.0
    await loop.tried(Work(None))
    assert last_worked()["clock",] == 7.0
    older = Loop("clock", lambda: 6.0)
    older.begin()
    assert last_worked()["clock",] == 6.0
    assert failures()["clock",] == 1
    for each in (loop, older, older):
        each.end()
    assert ("clock",) not in last_worked()


async def test_it_ends_when_its_task_is_cancelled_also_in_the_middle_of_a_step() -> None:
    begun = asyncio.Event()

    async def step() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with beside(again("thing", step, lambda _worked: 0.0)):
        await begun.wait()
    assert ("thing",) not in last_worked()


def test_what_is_done_until_it_works_ends_then() -> None:
    async def steps(_clock: object) -> tuple[int, float]:
        work = Work(OSError(), FAILED, None)
        await until_done("thing", work, 1.0)
        return work.asked, asyncio.get_running_loop().time()

    assert played(steps) == (3, 3.0)


def test_a_beat_goes_on_whatever_its_step_raises_until_it_is_stopped() -> None:
    async def beats(_clock: object) -> int:
        asked: list[int] = []
        done = asyncio.Event()

        def step() -> None:
            asked.append(1)
            if len(asked) == 4:
                done.set()
            if len(asked) % 2:
                raise RuntimeError("ours")

        beat = Beat("beat", step, 1.0)
        beat.stop()
        beat.start()
        beat.start()
        await done.wait()
        assert ("beat",) in last_worked()
        beat.stop()
        await asyncio.sleep(5)
        assert ("beat",) not in last_worked()
        return len(asked)

    assert played(beats) == 4
