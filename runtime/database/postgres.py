"""PostgreSQL behind the Database interface: a pool of connections that come back by themselves after a restart.

The client ends a wait with the request's deadline. The server has limits of its own, for when this process can't tell
it any more: a lock is waited for `patience` seconds, a statement runs and a transaction idles at most twice that.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import asyncpg

from runtime import silence
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

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool = asyncpg.Pool[asyncpg.Record]
    Raw = PoolConnectionProxy[asyncpg.Record]
    Driven = asyncpg.Connection[asyncpg.Record]
else:
    Driven = asyncpg.Connection

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"

# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
BUSY = ("25P03", "40", "55P03", "57014")  # idle too long; serialization and deadlock; lock; statement timeout
UNAVAILABLE = ("08", "28", "3D", "53", "57P", "58")  # connection; login; no such database; resources; shutdown; I/O


_READERS = 4  # one connection in so many is for readers alone: writers hold theirs while they wait for others' rows

# The server's own side of a connection, for when this machine is gone.
_SILENCE = {
    "tcp_keepalives_idle": f"{silence.QUIET}",
    "tcp_keepalives_interval": f"{silence.AGAIN}",
    "tcp_keepalives_count": f"{silence.QUESTIONS}",
}


class Postgres(Database):
    """A pool on one PostgreSQL database."""

    def __init__(self, pool: "Pool", connections: int, patience: float) -> None:
        self._pool = pool
        self._writers = asyncio.Semaphore(connections - connections // _READERS)
        self._patience = patience
        self.load = Load()

    @classmethod
    async def connect(cls, url: str, connections: int, patience: float) -> Self:
        """Opens the pool, and sees that the server answers. Raises DatabaseUnavailable."""
        with _translated():
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=connections,
                timeout=patience,
                command_timeout=patience,
                reset=_keep,
                server_settings=_limits(patience) | _SILENCE,
                connection_class=Watched,
            )
        database = cls(pool, connections, patience)
        try:
            await database.ping()
        except BaseException:
            pool.terminate()
            raise
        return database

    def read(self) -> AbstractAsyncContextManager[Connection]:
        return self._transaction(SNAPSHOT)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        with _translated():
            async with asyncio.timeout(bounded(self._patience)):
                await self.load.wait(self._writers.acquire())
        try:
            async with self._transaction(WRITE) as connection:
                yield connection
        finally:
            self._writers.release()

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[Connection]:
        with _translated():
            raw = await self.load.lease(self._pool.acquire(timeout=bounded(self._patience)))
        committed = False
        try:
            with _translated():
                await raw.execute(begin)
            yield PostgresConnection(raw, self._patience)
            with _translated():
                committed = await raw.execute("COMMIT") == "COMMIT"
            if not committed:
                raise StatementRefused(FAILED)
        finally:
            self.load.open -= 1
            await asyncio.shield(self._settle(raw, committed=committed))

    async def _settle(self, raw: "Raw", *, committed: bool) -> None:
        """Ends what is still open. A connection on which that fails is closed, and the pool opens another."""
        try:
            if not committed:
                await raw.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            with suppress(asyncpg.InterfaceError):  # closed already
                raw.terminate()
        finally:
            await self._pool.release(raw)

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._pool.close()  # which ends them all when it is cancelled


class Watched(Driven):
    """One whose socket tells when the server's machine is gone."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:  # noqa: ANN401  the driver's own affair
        super().__init__(protocol, transport, *rest)
        silence.watch(transport.get_extra_info("socket"))


class PostgresConnection(Connection):
    """A transaction on one of the pool's connections."""

    def __init__(self, raw: "Raw", patience: float) -> None:
        self._raw = raw
        self._patience = patience

    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        with _translated():
            return await self._raw.fetch(sql, *values, timeout=bounded(self._patience))

    async def execute(self, sql: str, *values: object) -> int:
        with _translated():
            status = await self._raw.execute(sql, *values, timeout=bounded(self._patience))
        count = (status or "").rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


def _limits(patience: float) -> dict[str, str]:
    once, twice = f"{patience * 1000:.0f}", f"{patience * 2000:.0f}"
    return {
        "lock_timeout": once,
        "statement_timeout": twice,
        "idle_in_transaction_session_timeout": twice,
    }


async def _keep(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to reset: each transaction has ended, and none changes its session. Saves a round trip."""


@contextmanager
def _translated() -> Iterator[None]:
    """The one place where the driver's errors become ours."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise UniqueViolation(_columns(error.detail)) from None  # its text quotes the row: nothing for a log
    except asyncpg.InvalidCachedStatementError as error:
        raise DatabaseBusy from error  # the schema changed under a `SELECT *`; the next try prepares it anew
    except TimeoutError as error:
        raise DatabaseBusy from error
    except (OSError, asyncpg.InternalClientError) as error:  # the latter when the server's farewell has just come in
        raise DatabaseUnavailable from error
    except asyncpg.InterfaceError as error:
        if re.match("(cannot call|connection is|the underlying|pool is).*(clos|released)", str(error)):
            raise DatabaseUnavailable from error
        raise StatementRefused(str(error)) from error
    except asyncpg.PostgresError as error:
        if error.sqlstate.startswith(BUSY):
            raise DatabaseBusy from error
        if error.sqlstate.startswith(UNAVAILABLE):
            raise DatabaseUnavailable from error
        raise StatementRefused(error.args[0]) from None  # its details quote the row as well


def _columns(detail: str | None) -> tuple[str, ...]:
    """From "Key (user_id, name)=(1, x) already exists."; the parentheses stay in every language."""
    found = re.search(r"\((.*?)\)=\(", detail or "")
    return tuple(found[1].split(", ")) if found else ()
