"""One SQL text for PostgreSQL and SQLite: a URL goes in, read and write transactions come out.

Portable SQL is: `$1` placeholders, TEXT and BIGINT (so times and flags come from Python), columns listed by lower-case
names, no `now()`, `::` or `FOR UPDATE`. It never builds SQL, never retries, and lets no error of a driver out.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, TypeVar

from runtime.http.problem import DEPENDENCY_UNAVAILABLE, Problem
from runtime.serving.deadline import remaining

T = TypeVar("T")
CONNECTIONS = 8
PATIENCE = 5.0
TELLING = 0.03  # seconds of a request's time that are kept for rolling back and saying why
FAILED = "the transaction is over: one of its statements failed"
ONE = "single() is for one statement; read() is for several that see one state"


class UniqueViolation(Exception):
    """A row with these values exists. `columns` are those of the constraint, in its order.

    PostgreSQL has given up the transaction by then: let it leave the `write()` block and catch it outside, or
    write `ON CONFLICT DO NOTHING` and count the rows.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(", ".join(columns))
        self.columns = columns


class StatementRefused(Exception):
    """The statement is wrong, its values do not fit, or a constraint other than uniqueness forbids it."""


class DatabaseBusy(Problem):
    """A lock, a connection or a statement was not had in time, or gave way to another: nothing was written."""

    def __init__(self) -> None:
        super().__init__(DEPENDENCY_UNAVAILABLE, "The database is busy.", retry_after=1)


_RESTART = 5  # seconds: a server that died is back by then, mostly, and who asks earlier only fails again


class DatabaseUnavailable(Problem):
    """The server is gone, the disk is full, the file can't be opened; a commit under way may have happened."""

    def __init__(self) -> None:
        super().__init__(DEPENDENCY_UNAVAILABLE, "The database cannot be reached.", retry_after=_RESTART)


class Row(Protocol):
    """What a query returns: `row["name"]`; `dict(row)` copies it."""

    def __getitem__(self, name: str, /) -> Any: ...  # noqa: ANN401 - a column's type is known to its query only
    def keys(self) -> Iterable[str]: ...


class Connection(ABC):
    """One open transaction. Not to be used after its block, nor by two tasks at once."""

    @abstractmethod
    async def fetch(self, sql: str, *values: object) -> Sequence[Row]:
        """All rows of a query, or of a statement with RETURNING."""

    async def fetch_one(self, sql: str, *values: object) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None

    @abstractmethod
    async def execute(self, sql: str, *values: object) -> int:
        """How many rows a statement without RETURNING inserted, changed or removed."""


@dataclass(slots=True)
class Load:
    """Transactions that are open, how many were begun, and the seconds that they waited for a connection in all."""

    open: int = 0
    begun: int = 0
    waited: float = 0.0

    async def wait(self, turn: Awaitable[T], patience: float) -> T:
        """What `turn` gives, once it comes. Raises DatabaseBusy after `patience` seconds."""
        began = monotonic()
        try:
            async with asyncio.timeout(patience):
                return await turn
        except TimeoutError as error:
            raise DatabaseBusy from error
        finally:
            self.waited += monotonic() - began

    def begin(self) -> None:
        """One more is open; whoever began it takes it off `open` again."""
        self.open += 1
        self.begun += 1


class Database(ABC):
    """A pool of connections to one database. Every wait ends with the request's deadline, or after `patience`."""

    load: Load

    @staticmethod
    async def open(url: str, *, connections: int = CONNECTIONS, patience: float = PATIENCE) -> "Database":
        """The database at `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`.

        `connections` is how many transactions run at once (on SQLite: readers, beside one writer); `patience` is in
        seconds, the longest wait for a connection, a lock or a statement. Raises ValueError for another kind of URL,
        and DatabaseUnavailable.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
            from runtime.database.sqlite import Sqlite  # noqa: PLC0415 - only the driver that is asked for

            return await Sqlite.connect(rest[1:], connections, patience)
        if scheme in {"postgresql", "postgres"}:
            from runtime.database.postgres import Postgres  # noqa: PLC0415 - only the driver that is asked for

            return await Postgres.connect(url, connections, patience)
        raise ValueError(f"a database's URL starts with sqlite:/// or postgresql://, not with {scheme}://")

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Connection]:
        """A snapshot: all queries of the block see one state, that of the first query. It cannot write."""

    @abstractmethod
    def single(self) -> AbstractAsyncContextManager[Connection]:
        """A read of one statement, which PostgreSQL needs no transaction for: another in the same block is an error."""

    @abstractmethod
    def write(self) -> AbstractAsyncContextManager[Connection]:
        """One transaction: commits at the end of the block, and rolls back when anything is raised in it.

        A caller that is cancelled inside the block has written nothing; one that is cancelled while the commit is
        under way may have written all of it. On SQLite writers follow one another, so a block sees nothing change.
        PostgreSQL runs them side by side at READ COMMITTED, where each statement sees what was committed before it:
        between a SELECT and an UPDATE another may write. So put the condition into the statement
        (`UPDATE … SET stock = stock - $1 WHERE sku = $2 AND stock >= $1`) and look at the count, touch rows that
        several callers share in one order (else DatabaseBusy: deadlock), and let a constraint guard what spans rows.
        """

    @abstractmethod
    async def close(self) -> None:
        """Waits for open transactions for `patience` at most, then ends what is left and closes every connection."""

    async def ping(self) -> None:
        """Returns when a query is answered; raises DatabaseBusy or DatabaseUnavailable."""
        async with self.single() as connection:
            await connection.fetch("SELECT 1")


def bounded(patience: float) -> float:
    """Seconds that may be waited for now: `patience`, or what the request can spare when that is less."""
    left = remaining()
    return patience if left is None else max(0.0, min(patience, left - TELLING))
