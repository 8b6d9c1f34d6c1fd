"""Work beside the requests: for the length of a block, and again and again, whatever comes of it.

In: a step. Out: a loop that no exception of the step ends, nor a step that hangs; it says in the log when it begins to
fail and when it works again, and in metrics when it last worked. A loop that nobody sees end is the worst kind of
failure: all goes on, with what was true when it ended.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NoReturn

from runtime.telemetry import log

PATIENCE = 30.0  # seconds that one step may take; each has bounds of its own, far below

Step = Callable[[], Awaitable[object]]  # raises when it failed; False: it failed, and has said so itself
Pause = Callable[[bool], float]  # seconds until the next step, after one that worked, or did not
Sleep = Callable[[float], Awaitable[object]]

logger = log.get(__name__)

_NO_FAILURE = (KeyboardInterrupt, GeneratorExit)  # somebody ends the process, or the task
_running: "set[Loop]" = set()  # of this process
_failed: Counter[str] = Counter()  # steps, by the loop's name


class Loop:
    """What is known of one loop, and shown while it runs."""

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self.worked = 0.0
        self._clock = clock
        self._well = True

    def begin(self) -> None:
        """It runs from now on, as if it had just worked."""
        self.worked = self._clock()
        _running.add(self)

    def end(self) -> None:
        """It runs no longer; harmless when it did not."""
        _running.discard(self)

    def well(self) -> None:
        """A step has worked."""
        self.worked = self._clock()
        if not self._well:
            self._well = True
            logger.info("background work goes on", loop=self.name)

    def ill(self, error: BaseException | None = None) -> None:
        """A step has failed: told at the first of a row, unless whoever failed has done so, and gives no `error`."""
        _failed[self.name] += 1
        if self._well and error is not None:
            self._well = False
            unexpected = None if isinstance(error, OSError) else error
            logger.warning("background work fails", loop=self.name, why=_words(error), exc_info=unexpected)

    async def tried(self, step: Step, patience: float = PATIENCE) -> bool:
        """Whether a step worked. Raises nothing but what ends the task, or the process."""
        try:
            async with asyncio.timeout(patience):
                worked = await step() is not False
        except BaseException as error:  # a cancelled future, a library's panic or its exit would end it as well
            if isinstance(error, _NO_FAILURE) or _is_cancelled(error):
                raise
            self.ill(error)
            return False
        if worked:
            self.well()
        else:
            self.ill()
        return worked


class Beat:
    """A loop without a task: calls `step`, which never waits, every so many seconds from its start to its stop."""

    def __init__(self, name: str, step: Callable[[], object], seconds: float) -> None:
        self._loop = Loop(name)
        self._step = step
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Harmless while it runs."""
        if self._timer is None:
            self._arm()
            self._loop.begin()

    def stop(self) -> None:
        """Harmless when it does not run."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._loop.end()

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._ring)

    def _ring(self) -> None:
        self._arm()  # first: whatever comes of the step, there is a next one
        try:
            self._step()
        except BaseException as error:  # as above
            if isinstance(error, _NO_FAILURE):
                raise
            self._loop.ill(error)
        else:
            self._loop.well()


@asynccontextmanager
async def beside(work: Coroutine[object, object, object]) -> AsyncIterator[None]:
    """Runs `work` for the length of the block: it is cancelled at its end, and has ended then."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def again(name: str, step: Step, pause: Pause, *, sleep: Sleep = asyncio.sleep, worked: bool = True) -> NoReturn:
    """Pauses and does `step`, for ever; `worked`: whether what was done before it began did."""
    with _shown(name) as loop:
        while True:
            await _rest(pause(worked), sleep)
            worked = await loop.tried(step)


async def until_done(name: str, step: Step, seconds: float, *, sleep: Sleep = asyncio.sleep) -> None:
    """The same until a step has worked."""
    with _shown(name) as loop:
        await _rest(seconds, sleep)
        while not await loop.tried(step):
            await _rest(seconds, sleep)


def last_worked() -> Mapping[tuple[str, ...], float]:
    """When each loop that runs last worked, or began, in Unix time; of several of one name that of the last."""
    moments: dict[tuple[str, ...], float] = {}
    for loop in _running:
        moments[loop.name,] = min(loop.worked, moments.get((loop.name,), loop.worked))
    return moments


def failures() -> Mapping[tuple[str, ...], float]:
    """How often each loop that runs has failed."""
    return {(loop.name,): _failed[loop.name] for loop in _running}


@contextmanager
def _shown(name: str) -> Iterator[Loop]:
    loop = Loop(name)
    loop.begin()
    try:
        yield loop
    finally:
        loop.end()


async def _rest(seconds: float, sleep: Sleep) -> None:
    """Others have their turn in any case."""
    await (sleep(seconds) if seconds > 0 else asyncio.sleep(0))


def _words(error: BaseException) -> str:
    """What it says of itself; its kind, where that fails as well."""
    try:
        return repr(error)
    except Exception:  # noqa: BLE001  whatever it is, it would end the loop
        return type(error).__name__


def _is_cancelled(error: BaseException) -> bool:
    """Whether this task is, and not something that it waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
