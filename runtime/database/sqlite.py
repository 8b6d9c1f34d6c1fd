"""SQLite behind the Database interface: one writer and several readers on a file that other processes may share.

An order that was acknowledged has to outlive a crash and a loss of power: hence WAL with synchronous=FULL, which syncs
the log at each commit, in a thread. What is known to be short is carried out on the event loop, which a hop to a thread
would cost several times as much; the rest has the connection's thread.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from runtime.database import FAILED, ONE, Connection, Database, DatabaseBusy, Load, Row, StatementRefused, bounded
from runtime.database.handle import Done, Handle, translated
from runtime.database.pace import Pace
from runtime.database.turns import Turns

WRITER = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"
READER = "PRAGMA query_only = ON"

Kept = tuple[str, Sequence[object], Done]

_MOST = 256  # statements of a write that run on the loop: they are kept, as they may have to be repeated


class Sqlite(Database):
    """A file in WAL mode."""

    def __init__(self, opened: AsyncExitStack, writer: Handle, readers: list[Handle], patience: float) -> None:
        self._opened = opened
        self._size = len(readers)
        self.patience = patience
        self.load = Load()
        self.pace = Pace()
        self.writers = Turns([writer])
        self.readers = Turns(readers)

    @classmethod
    async def connect(cls, path: str, readers: int, patience: float) -> Self:
        """Opens, and makes if need be, the file at `path`; its folder must exist. Raises DatabaseUnavailable."""
        async with AsyncExitStack() as opened:
            writer = await _opened(opened, path, WRITER, patience)
            pool = [await _opened(opened, path, READER, patience) for _ in range(readers)]
            return cls(opened.pop_all(), writer, pool, patience)
        raise AssertionError  # an exit stack swallows nothing; this tells the type checker

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return Reading(self, self.readers)

    def single(self) -> AbstractAsyncContextManager[Connection]:
        return Single(self, self.readers)

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return Writing(self, self.writers)

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                for turns, size in ((self.readers, self._size), (self.writers, 1)):
                    for _ in range(size):
                        await turns.wait()
        await self._opened.aclose()


class SqliteConnection(Connection):
    """A transaction on one of the file's connections: its block, and what the block is given."""

    __slots__ = ("_database", "_handle", "_in_thread", "_kept", "_over", "_patience", "_turns")

    begin: str
    _handle: Handle

    def __init__(self, database: Sqlite, turns: Turns[Handle]) -> None:
        self._database = database
        self._patience = database.patience
        self._turns = turns
        self._over = False
        self._in_thread = False  # from the first statement that is not known to be short to the end of the block
        self._kept: list[Kept] = []

    async def __aenter__(self) -> Connection:
        patience = self._left()
        load = self._database.load
        free = self._turns.now()
        self._handle = await load.wait(self._turns.wait(), patience) if free is None else free
        load.begin()
        try:
            if self._handle.at_once(self.begin) is None:
                await self._handle.begin(self.begin, self._left())
        except BaseException:
            await self._give_up()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            await self._give_up()
            return
        try:
            self._check_open()
            await self._commit()
        except BaseException:
            await self._give_up()
            raise
        self._leave()

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        return (await self._run(sql, values)).rows

    async def execute(self, sql: str, *values: object) -> int:
        return max(0, (await self._run(sql, values)).changed)

    @abstractmethod
    async def _commit(self) -> None:
        """Ends the transaction as it was meant to."""

    async def _give_up(self) -> None:
        """Ends what is open, once the thread is done with whatever it is at; only then may the next one have it."""
        self._over = True
        self._database.load.open -= 1
        await asyncio.shield(_settle(self._turns, self._handle))

    def _leave(self) -> None:
        """Nothing is open any more."""
        self._over = True
        self._database.load.open -= 1
        self._turns.give(self._handle)

    def _keep(self, sql: str, values: Sequence[object], done: Done) -> None:
        """Told of what was done on the loop."""

    def _check_open(self) -> None:
        """What follows the end of a transaction would be committed by itself."""
        if self._over or not self._handle.sound:
            raise StatementRefused(FAILED)

    def _left(self) -> float:
        """Seconds. Raises DatabaseBusy when there are none."""
        patience = bounded(self._patience)
        if patience <= 0:
            raise DatabaseBusy
        return patience

    async def _run(self, sql: str, values: Sequence[object]) -> Done:
        self._check_open()
        try:
            patience = self._left()
            if not self._in_thread and self._database.pace.short(sql):
                began = time.perf_counter()
                if (done := self._handle.at_once(sql, values)) is not None:
                    await self._ran(sql, time.perf_counter() - began)
                    self._keep(sql, values, done)
                    return done
                self._database.pace.outgrown(sql)
            return await self._threaded(sql, values, patience)
        except (asyncio.CancelledError, DatabaseBusy):
            self._handle.stop = True
            raise

    async def _ran(self, sql: str, seconds: float) -> None:
        if self._database.pace.on_loop(sql, seconds, far=self._handle.looks > 0):
            await asyncio.sleep(0)

    async def _threaded(self, sql: str, values: Sequence[object], patience: float) -> Done:
        self._in_thread = True
        handle, kept, self._kept = self._handle, self._kept, []
        begun = handle.sound
        pace = self._database.pace
        last = time.monotonic() + patience
        try:
            with translated():
                async with asyncio.timeout(patience):
                    if not begun:
                        await handle.run(_again, handle, last, self.begin, kept)
                    if not pace.known(sql) and not await handle.run(handle.divisible, last, sql, values):
                        pace.never(sql)
                    done, seconds = await handle.run(_timed, handle, last, sql, values)
        except BaseException:
            handle.stop = handle.stop or not begun
            raise
        pace.in_thread(sql, seconds, far=handle.looks > 1)
        return done


class Reading(SqliteConnection):
    """A snapshot: nothing that it does waits for a disk's write, or for anybody's lock."""

    __slots__ = ()

    begin = "BEGIN"

    async def _commit(self) -> None:
        if self._handle.at_once("COMMIT") is None:
            raise DatabaseBusy

    async def _give_up(self) -> None:
        if self._handle.sound and self._handle.at_once("ROLLBACK"):  # its thread has nothing to do
            self._leave()
        else:
            await super()._give_up()


class Single(Reading):
    """One of a single statement; two would see one state here, and not on PostgreSQL."""

    __slots__ = ("_used",)

    def __init__(self, database: Sqlite, turns: Turns[Handle]) -> None:
        super().__init__(database, turns)
        self._used = False

    async def _run(self, sql: str, values: Sequence[object]) -> Done:
        if self._used:
            raise RuntimeError(ONE)
        self._used = True
        return await super()._run(sql, values)


class Writing(SqliteConnection):
    """The one that writes.

    A write that is given up on the loop takes the whole transaction along. So what was done in it on the loop is kept,
    and repeated in the thread; where it comes to something else, another process has written in between.
    """

    __slots__ = ()

    begin = "BEGIN IMMEDIATE"

    async def _commit(self) -> None:
        """Not bounded by the deadline, as the work is done. Raises DatabaseUnavailable."""
        await self._handle.run(self._handle.raw.commit)

    def _keep(self, sql: str, values: Sequence[object], done: Done) -> None:
        self._kept.append((sql, values, done))
        if len(self._kept) == _MOST:
            self._in_thread = True
            self._kept = []


def _again(handle: Handle, last: float, begin: str, kept: list[Kept]) -> None:
    """Begins anew, and does all of it again. Raises DatabaseBusy when it comes to anything else."""
    handle.patiently(last, begin)
    for sql, values, done in kept:
        if handle.patiently(last, sql, values) != done:
            raise DatabaseBusy


def _timed(handle: Handle, last: float, sql: str, values: Sequence[object]) -> tuple[Done, float]:
    """What it comes to, and how many seconds of a processor it took: those of others' work are not counted."""
    began = time.thread_time()
    return handle.patiently(last, sql, values), time.thread_time() - began


_PAUSE = 0.02  # seconds between two tries to set a file up


async def _opened(opened: AsyncExitStack, path: str, pragmas: str, patience: float) -> Handle:
    """A connection. Turning a new file to WAL fails at once while another does it, so it is tried again."""
    handle = Handle(path)
    opened.push_async_callback(handle.close)
    last = time.monotonic() + patience
    while True:
        try:
            await handle.run(handle.raw.executescript, pragmas)
        except DatabaseBusy:
            if time.monotonic() >= last:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return handle


async def _settle(turns: Turns[Handle], handle: Handle) -> None:
    try:
        await handle.run(handle.raw.rollback)
    finally:
        handle.stop = False
        turns.give(handle)
