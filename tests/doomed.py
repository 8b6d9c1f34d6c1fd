"""Real processes that are killed (SIGKILL) in the middle of a transaction, at a point that a test chooses.

A process is forked from one that has imported everything, opens the database, and does what it was given. Points are
counted: one before each statement of a write, one before its commit and one behind it. Who has come to the end of it
all is killed there: nobody ever hears an answer.
"""

import asyncio
import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from runtime.database import Connection, Database, Row

Deed = Callable[..., Awaitable[object]]

ROOT = Path(__file__).parents[1]


class Doom:
    """Falls at point `at`: at once, or `late` microseconds later, while that point's work is under way."""

    def __init__(self, at: int, late: int) -> None:
        self._left = at
        self._late = late

    def point(self) -> None:
        """One point further."""
        self._left -= 1
        if self._left < 0 and self._late:
            threading.Timer(self._late / 1e6, kill_this_process).start()
        elif self._left < 0:
            kill_this_process()


class DoomedConnection(Connection):
    """Counts the statements of a transaction."""

    def __init__(self, real: Connection, doom: Doom) -> None:
        self._real = real
        self._doom = doom

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        self._doom.point()
        return await self._real.fetch(sql, *values)

    async def execute(self, sql: str, *values: object) -> int:
        self._doom.point()
        return await self._real.execute(sql, *values)


class DoomedDatabase(Database):
    """Counts what is written; reads are left alone."""

    def __init__(self, real: Database, doom: Doom) -> None:
        self.load = real.load
        self._real = real
        self._doom = doom

    def read(self) -> Any:  # noqa: ANN401  as the real one has it
        return self._real.read()

    def single(self) -> Any:  # noqa: ANN401  as the real one has it
        return self._real.single()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        async with self._real.write() as connection:
            yield DoomedConnection(connection, self._doom)
            self._doom.point()
        self._doom.point()

    async def close(self) -> None:
        await self._real.close()


def killed(deed: Deed, *arguments: object, at: int, late: int) -> None:
    """Runs `deed(*arguments)`, a coroutine function at the top of a module, in a process; returns when that is dead."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    pickle.dump((deed, arguments, Doom(at, late)), server.stdin)
    server.stdin.flush()
    status = int(server.stdout.readline())
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise RuntimeError(f"it ended by itself, with {os.waitstatus_to_exitcode(status)}")


@cache
def _server() -> "subprocess.Popen[bytes]":
    """From which every process is forked; it ends with the tests."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.doomed"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(server.communicate)
    return server


def serve() -> None:
    """Forks a process for each deed that comes in, and tells how it ended; what one prints goes to standard error."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            deed, arguments, doom = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own test
        except EOFError:
            return
        pid = os.fork()
        if pid == 0:
            _live(deed, arguments, doom)
        told.write(f"{os.waitpid(pid, 0)[1]}\n")
        told.flush()


def _live(deed: Deed, arguments: Sequence[object], doom: Doom) -> NoReturn:
    real = Database.open

    async def opened(url: str, **options: Any) -> Database:  # noqa: ANN401  as the real one has it
        return DoomedDatabase(await real(url, **options), doom)

    Database.open = staticmethod(opened)  # type: ignore[method-assign]  # in this process, which has not long to live
    try:
        asyncio.run(_until_the_end(deed, arguments))
    except BaseException:  # noqa: BLE001  whatever it was, a forked process goes no further
        traceback.print_exc()
        os._exit(1)


async def _until_the_end(deed: Deed, arguments: Sequence[object]) -> NoReturn:
    await deed(*arguments)
    kill_this_process()


def kill_this_process() -> NoReturn:
    """As the kernel does it when memory is short: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the dead do not go on")


if __name__ == "__main__":
    from tests import doomed  # what is pickled names the module so, and not __main__

    doomed.serve()
