"""PostgreSQL behind the Database interface: connections that are opened when needed, and again after a restart.

The client ends a wait with the request's deadline. What a pool of asyncpg's does at each lease (a proxy, a reset, a
shielded task) is not needed: a transaction ends before its connection is given back, and changes no session.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from time import monotonic
from types import TracebackType
from typing import Self

import asyncpg

from runtime.database import (
    FAILED,
    ONE,
    Connection,
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    Load,
    Row,
    StatementRefused,
    bounded,
)
from runtime.database.slot import Driven, Slot, translated
from runtime.database.turns import Turns

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"

_READERS = 4  # one connection in so many is for readers alone: writers hold theirs while they wait for others' rows

_IDLE = 300.0  # seconds after which a connection that nobody needed is closed


class Postgres(Database):
    """Connections to one PostgreSQL database."""

    def __init__(self, url: str, connections: int, patience: float) -> None:
        self._slots = [Slot(url, patience) for _ in range(connections)]
        self._turns = Turns(self._slots)
        self._closed = False
        self.writers = asyncio.Semaphore(connections - connections // _READERS)
        self.patience = patience
        self.load = Load()

    @classmethod
    async def connect(cls, url: str, connections: int, patience: float) -> Self:
        """Sees that the server answers. Raises DatabaseUnavailable."""
        database = cls(url, connections, patience)
        await database.ping()
        return database

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return PostgresConnection(self, SNAPSHOT)

    def write(self) -> AbstractAsyncContextManager[Connection]:
        return Writing(self, WRITE)

    def single(self) -> AbstractAsyncContextManager[Connection]:
        return Single(self, "")

    async def lease(self) -> Slot:
        """A slot with a connection, within the deadline. Raises DatabaseBusy and DatabaseUnavailable."""
        patience = bounded(self.patience)
        if self._closed:
            raise DatabaseUnavailable
        if patience <= 0:
            raise DatabaseBusy
        free = self._turns.now()
        slot = await self.load.wait(self._turns.wait(), patience) if free is None else free
        if not slot.ready:
            try:
                with translated():
                    await self.load.wait(slot.open(), bounded(self.patience))
            except BaseException:
                self._turns.give(slot)
                raise
        self.load.begin()
        return slot

    def give(self, slot: Slot) -> None:
        """Takes one back; nothing is open on it."""
        self.load.open -= 1
        now = slot.used = monotonic()
        self._turns.give(slot)
        for cold in self._turns.free:  # what was used last is on top
            if now - cold.used <= _IDLE:
                return
            cold.drop()

    async def close(self) -> None:
        self._closed = True
        try:
            async with asyncio.timeout(self.patience):
                for _ in self._slots:
                    slot = await self._turns.wait()
                    if slot.raw is not None:
                        await slot.raw.close()
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            pass
        finally:
            for slot in self._slots:
                slot.drop()


class PostgresConnection(Connection):
    """A transaction on one of the connections: its block, and what the block is given."""

    __slots__ = ("_begin", "_database", "_raw", "_slot")

    def __init__(self, database: Postgres, begin: str) -> None:
        self._database = database
        self._begin = begin
        self._slot: Slot
        self._raw: Driven | None = None  # None before the block, and after it

    async def __aenter__(self) -> Connection:
        self._slot = await self._database.lease()
        self._raw = self._slot.raw
        try:
            await self._open(self._driven)
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
            await self._close(self._driven)
        except BaseException:
            await self._give_up()
            raise
        self._leave()

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        with translated():
            return await self._driven.fetch(sql, *values, timeout=bounded(self._database.patience))

    async def execute(self, sql: str, *values: object) -> int:
        with translated():
            status = await self._driven.execute(sql, *values, timeout=bounded(self._database.patience))
        count = (status or "").rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    @property
    def _driven(self) -> Driven:
        if self._raw is None:
            raise StatementRefused(FAILED)
        return self._raw

    async def _open(self, raw: Driven) -> None:
        with translated():
            await raw.execute(self._begin)

    async def _close(self, raw: Driven) -> None:
        with translated():
            committed = await raw.execute("COMMIT") == "COMMIT"
        if not committed:
            raise StatementRefused(FAILED)

    async def _give_up(self) -> None:
        await asyncio.shield(self._settle("ROLLBACK"))

    async def _settle(self, statement: str) -> None:
        """Ends what is still open. A connection on which that fails is closed, and another is opened when needed."""
        try:
            await self._driven.execute(statement)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            self._slot.drop()
        finally:
            self._leave()

    def _leave(self) -> None:
        self._raw = None
        self._database.give(self._slot)


class Single(PostgresConnection):
    """One statement is one state by itself, so it needs no transaction; by its session's default it cannot write."""

    __slots__ = ("_under_way", "_used")

    def __init__(self, database: Postgres, begin: str) -> None:
        super().__init__(database, begin)
        self._used = False
        self._under_way = False

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        self._begun()
        rows = await super().fetch(sql, *values)
        self._under_way = False
        return rows

    async def execute(self, sql: str, *values: object) -> int:
        self._begun()
        count = await super().execute(sql, *values)
        self._under_way = False
        return count

    def _begun(self) -> None:
        if self._used:
            raise RuntimeError(ONE)
        self._used = self._under_way = True

    async def _open(self, raw: Driven) -> None:
        """Nothing to begin."""

    async def _close(self, raw: Driven) -> None:
        """Nothing to end."""

    async def _give_up(self) -> None:
        """Whatever is raised in the block: where a statement did not come to its end, the server is asked again."""
        if self._under_way:
            await asyncio.shield(self._settle("SELECT 1"))
        else:
            self._leave()


class Writing(PostgresConnection):
    """One of those that may write at the same time."""

    __slots__ = ()

    async def __aenter__(self) -> Connection:
        writers = self._database.writers
        if writers.locked():
            await self._database.load.wait(writers.acquire(), bounded(self._database.patience))
        else:
            await writers.acquire()
        try:
            return await super().__aenter__()
        except BaseException:
            writers.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            self._database.writers.release()
