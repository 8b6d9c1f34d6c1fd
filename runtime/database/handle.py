"""A connection to a SQLite file: what is short is carried out on the event loop, what may take its time in a thread.

On the loop a statement has so many steps of SQLite's machine, and is given up when they are over; it waits for no lock.
In the thread it goes on until somebody says stop, and waits for locks. SQLite's errors become ours here.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from runtime.database import DatabaseBusy, DatabaseUnavailable, StatementRefused, UniqueViolation
from runtime.database.worker import Worker

T = TypeVar("T")

# Of the machine, between two looks at whether to stop. A prepared statement counts them from one run to the next, so
# only between two looks in one run has it been as many: on the loop it has one to two times this, up to 1 ms.
STEPS = 5_000
GLANCE = 0.05  # seconds that a lock is waited for between two looks: SQLite takes none while it waits

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

# Steps that take as long as a table is large, or as long as a virtual table likes: https://sqlite.org/opcode.html
_WHOLE = {
    "Checkpoint",
    "Clear",
    "Count",
    "Destroy",
    "IncrVacuum",
    "IntegrityCk",
    "JournalMode",
    "ParseSchema",
    "Vacuum",
}
_VIRTUAL = {"VFilter", "VNext", "VUpdate"}


class Done(NamedTuple):
    """What a statement came to."""

    rows: list[sqlite3.Row]
    changed: int


class Handle:
    """A connection, its thread, and the flag that makes either give up what it is at (and roll it back)."""

    def __init__(self, path: str) -> None:
        self.stop = False
        self.looks = 0  # in the run that is the last
        self._hasty = False
        with translated():
            self.raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self.raw.row_factory = sqlite3.Row
        self.raw.set_progress_handler(self._look, STEPS)
        self._worker = Worker("sqlite")
        self._closed = False

    @property
    def sound(self) -> bool:
        """Whether its transaction can go on: a statement that was stopped, or a full disk, has rolled it back."""
        return not self.stop and self.raw.in_transaction

    def at_once(self, sql: str, values: Sequence[object] = ()) -> Done | None:
        """What the statement comes to; None if it needs more steps than the loop has for it, or another has a lock.

        Given up like that it has no effect. One that writes has taken its transaction along.
        """
        if self._closed:
            raise DatabaseUnavailable
        self.looks, self._hasty = 0, True
        try:
            return self._execute(sql, values)
        except sqlite3.OperationalError as error:
            if _code(error) in BUSY:
                return None
            raise ours(error) from error
        except _DRIVER as error:
            raise ours(error) from error
        finally:
            self._hasty = False

    async def run(self, call: Callable[..., T], *arguments: object) -> T:
        """What `call` returns, in the connection's thread, after all that was asked of it before."""
        if self._closed:
            raise DatabaseUnavailable
        with translated():
            return await self._worker.run(call, *arguments)

    async def begin(self, statement: str, patience: float) -> None:
        """Begins a transaction in the thread, and gives up the wait for its lock when nobody waits for it any more."""
        try:
            await self.run(self.patiently, time.monotonic() + patience, statement)
        except asyncio.CancelledError:
            self.stop = True
            raise

    def patiently(self, last: float, sql: str, values: Sequence[object] = ()) -> Done:
        """In the thread: carries it out, and waits for others' locks until `last`."""
        while True:
            left = last - time.monotonic()
            self.looks = 0
            self.raw.execute(f"PRAGMA busy_timeout = {max(0, round(min(GLANCE, left) * 1000))}")
            try:
                return self._execute(sql, values)
            except sqlite3.OperationalError as error:
                if _code(error) not in BUSY or left <= GLANCE or self.stop:
                    raise
            finally:
                self.raw.execute("PRAGMA busy_timeout = 0")

    def divisible(self, last: float, sql: str, values: Sequence[object]) -> bool:
        """Whether it is done in steps that are short each, so that it can be given up between two of them."""
        program = self.patiently(last, f"EXPLAIN {sql}", values).rows
        return (_WHOLE | _VIRTUAL).isdisjoint(line["opcode"] for line in program)

    async def close(self) -> None:
        self.stop = True
        await self.run(self.raw.close)
        self._closed = True
        self._worker.end()

    def _execute(self, sql: str, values: Sequence[object]) -> Done:
        """The rows, and how many were written; `$1` is a name to SQLite, not a position."""
        cursor = self.raw.execute(sql, {str(number): value for number, value in enumerate(values, 1)})
        return Done(cursor.fetchall(), cursor.rowcount)

    def _look(self) -> bool:
        """Whether to stop."""
        self.looks += 1
        return self.stop or (self._hasty and self.looks > 1)


_DRIVER = (sqlite3.Error, OverflowError, UnicodeEncodeError)  # the last two: more than 64 bits, half a surrogate pair


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver, and the end of patience, become ours."""
    try:
        yield
    except (*_DRIVER, TimeoutError) as error:
        raise ours(error) from error


def ours(error: Exception) -> Exception:
    """The one place where the driver's errors become ours."""
    if isinstance(error, TimeoutError):
        return DatabaseBusy()
    if getattr(error, "sqlite_errorcode", None) in DUPLICATE:
        return UniqueViolation(_columns(str(error)))
    if _code(error) in BUSY:
        return DatabaseBusy()
    if _code(error) in UNAVAILABLE:
        return DatabaseUnavailable()
    return StatementRefused(str(error))


def _code(error: Exception) -> int:
    """The primary result code; what the driver itself says has none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _columns(message: str) -> tuple[str, ...]:
    """From "UNIQUE constraint failed: sessions.user_id, sessions.name"."""
    names = message.partition(": ")[2].split(", ")
    return tuple(name.rpartition(".")[2] for name in names)
