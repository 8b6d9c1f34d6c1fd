"""SQLite behind the Database interface: one writer and several readers on a file that other processes may share.

Every connection has a thread of its own, which keeps no process alive. An order that was acknowledged has to outlive a
crash and a loss of power: hence WAL with synchronous=FULL, which syncs the log at each commit.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from threading import Event
from typing import Self, TypeVar

from runtime.database import (
    FAILED,
    Connection,
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    Load,
    Row,
    StatementRefused,
    UniqueViolation,
    bounded,
)

T = TypeVar("T")
STEPS = 10_000  # of SQLite's machine, well under a millisecond, between two looks at whether to stop
GLANCE = 0.05  # seconds that a lock is waited for between two such looks: SQLite takes none while it waits

WRITER = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"
READER = "PRAGMA query_only = ON"

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL}
UNAVAILABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
}
DUPLICATE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


class Handle:
    """A connection, its thread, and the flag that makes the thread give up what it is at (and roll it back)."""

    def __init__(self, path: str, patience: float) -> None:
        self.stop = Event()
        with _translated():
            self.raw = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        self.raw.row_factory = sqlite3.Row
        self.raw.set_progress_handler(self.stop.is_set, STEPS)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._closed = False

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """What `call` returns, in the connection's thread, after all that was asked of it before."""
        if self._closed:
            raise DatabaseUnavailable
        with _translated():
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def begin(self, statement: str, patience: float) -> None:
        """Begins a transaction, and gives up the wait for its lock when nobody waits for it any more."""
        try:
            await self.run(self._begin, statement, time.monotonic() + patience)
        except asyncio.CancelledError:
            self.stop.set()
            raise

    async def close(self) -> None:
        self.stop.set()
        await self.run(self.raw.close)
        self._closed = True
        self._thread.shutdown(wait=False)

    def _begin(self, statement: str, last: float) -> None:
        while True:
            left = last - time.monotonic()
            try:
                self.raw.execute(f"PRAGMA busy_timeout = {max(0, round(min(GLANCE, left) * 1000))}")
                self.raw.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in BUSY or left <= GLANCE or self.stop.is_set():
                    raise
            else:
                return


Pool = asyncio.Queue[Handle]


class Sqlite(Database):
    """A file in WAL mode."""

    def __init__(self, opened: AsyncExitStack, writers: Pool, readers: Pool, patience: float) -> None:
        self._opened = opened
        self._writers = writers
        self._readers = readers
        self._patience = patience
        self.load = Load()

    @classmethod
    async def connect(cls, path: str, readers: int, patience: float) -> Self:
        """Opens, and makes if need be, the file at `path`; its folder must exist. Raises DatabaseUnavailable."""
        async with AsyncExitStack() as opened:
            writers = await _pool(opened, path, WRITER, 1, patience)
            pool = await _pool(opened, path, READER, readers, patience)
            return cls(opened.pop_all(), writers, pool, patience)
        raise AssertionError  # an exit stack swallows nothing; this tells the type checker

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return self._transaction(self._readers, "BEGIN")

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return self._transaction(self._writers, "BEGIN IMMEDIATE")

    @asynccontextmanager
    async def _transaction(self, pool: Pool, begin: str) -> AsyncIterator[Connection]:
        handle = await self.load.lease(self._lease(pool))
        try:
            await handle.begin(begin, bounded(self._patience))
            yield (connection := SqliteConnection(handle, self._patience))
            await connection.commit()
        finally:
            self.load.open -= 1
            await asyncio.shield(_settle(pool, handle))

    async def _lease(self, pool: Pool) -> Handle:
        with _translated():
            async with asyncio.timeout(bounded(self._patience)):
                return await pool.get()

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                for pool in (self._readers, self._writers):
                    for _ in range(pool.maxsize):
                        await pool.get()
        await self._opened.aclose()


class SqliteConnection(Connection):
    """A transaction on one of the file's connections."""

    def __init__(self, handle: Handle, patience: float) -> None:
        self._handle = handle
        self._patience = patience

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        rows, _ = await self._run(sql, values)
        return rows

    async def execute(self, sql: str, *values: object) -> int:
        _, count = await self._run(sql, values)
        return max(0, count)

    async def commit(self) -> None:
        """Makes it last. Not bounded by the deadline, as the work is done. Raises DatabaseUnavailable."""
        self._check_open()
        await self._handle.run(self._handle.raw.commit)

    def _check_open(self) -> None:
        """An interrupted statement, or a full disk, has rolled back; what follows would be committed by itself."""
        if self._handle.stop.is_set() or not self._handle.raw.in_transaction:
            raise StatementRefused(FAILED)

    async def _run(self, sql: str, values: Sequence[object]) -> tuple[list[sqlite3.Row], int]:
        self._check_open()
        try:
            with _translated():
                async with asyncio.timeout(bounded(self._patience)):
                    return await self._handle.run(_execute, self._handle.raw, sql, values)
        except (asyncio.CancelledError, DatabaseBusy):
            self._handle.stop.set()
            raise


_PAUSE = 0.02  # seconds between two tries to set a file up


async def _pool(opened: AsyncExitStack, path: str, pragmas: str, size: int, patience: float) -> Pool:
    pool = Pool(maxsize=size)
    for _ in range(size):
        handle = Handle(path, patience)
        opened.push_async_callback(handle.close)
        await _set_up(handle, pragmas, patience)
        pool.put_nowait(handle)
    return pool


async def _set_up(handle: Handle, pragmas: str, patience: float) -> None:
    """Turning a new file to WAL fails at once while another does it, whatever the busy timeout: so it waits here."""
    last = time.monotonic() + patience
    while True:
        try:
            await handle.run(handle.raw.executescript, pragmas)
        except DatabaseBusy:
            if time.monotonic() >= last:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _settle(pool: Pool, handle: Handle) -> None:
    """Ends what is still open, once its thread is done with whatever it is at; only then may the next one have it."""
    try:
        await handle.run(handle.raw.rollback)
    finally:
        handle.stop.clear()
        pool.put_nowait(handle)


def _execute(raw: sqlite3.Connection, sql: str, values: Sequence[object]) -> tuple[list[sqlite3.Row], int]:
    """The rows, and how many were written; `$1` is a name to SQLite, not a position."""
    cursor = raw.execute(sql, {str(number): value for number, value in enumerate(values, 1)})
    return cursor.fetchall(), cursor.rowcount


@contextmanager
def _translated() -> Iterator[None]:
    """The one place where the driver's errors become ours."""
    try:
        yield
    except TimeoutError as error:
        raise DatabaseBusy from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
        if code in DUPLICATE:
            raise UniqueViolation(_columns(str(error))) from error
        if code & 0xFF in BUSY:
            raise DatabaseBusy from error
        if code & 0xFF in UNAVAILABLE:
            raise DatabaseUnavailable from error
        raise StatementRefused(str(error)) from error
    except (OverflowError, UnicodeEncodeError) as error:  # more than 64 bits, half a surrogate pair
        raise StatementRefused(str(error)) from error


def _columns(message: str) -> tuple[str, ...]:
    """From "UNIQUE constraint failed: sessions.user_id, sessions.name"."""
    names = message.partition(": ")[2].split(", ")
    return tuple(name.rpartition(".")[2] for name in names)
