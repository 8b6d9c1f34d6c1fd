"""A connection to PostgreSQL: how it is opened and watched, the slot that keeps it, and its errors as ours.

The server has limits of its own, for when this process can't tell it any more: a lock is waited for `patience` seconds,
a statement runs and a transaction idles at most twice that. Who doesn't begin a transaction that may write, cannot.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from runtime import silence
from runtime.database import DatabaseBusy, DatabaseUnavailable, StatementRefused, UniqueViolation

if TYPE_CHECKING:
    Driven = asyncpg.Connection[asyncpg.Record]
else:
    Driven = asyncpg.Connection

# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
BUSY = ("25P03", "40", "55P03", "57014")  # idle too long; serialization and deadlock; lock; statement timeout
UNAVAILABLE = ("08", "28", "3D", "53", "57P", "58")  # connection; login; no such database; resources; shutdown; I/O


# The server's own side of a connection, for when this machine is gone.
_SILENCE = {
    "tcp_keepalives_idle": f"{silence.QUIET}",
    "tcp_keepalives_interval": f"{silence.AGAIN}",
    "tcp_keepalives_count": f"{silence.QUESTIONS}",
}


class Slot:
    """Holds a connection, once one was needed; one that was lost is opened again."""

    __slots__ = ("_patience", "_url", "raw", "used")

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self.raw: Driven | None = None
        self.used = 0.0  # when, on the caller's clock

    @property
    def ready(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self.raw is not None and not self.raw.is_closed()

    async def open(self) -> None:
        """Connects, for as long as the patience lasts."""
        self.drop()
        self.raw = await asyncpg.connect(
            self._url,
            timeout=self._patience,
            command_timeout=self._patience,
            server_settings=_limits(self._patience) | _SILENCE,
            connection_class=Watched,
        )

    def drop(self) -> None:
        """Ends it without a word to the server."""
        if self.raw is not None:
            with suppress(asyncpg.InterfaceError):  # closed already
                self.raw.terminate()
            self.raw = None


class Watched(Driven):
    """One whose socket tells when the server's machine is gone."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:  # noqa: ANN401  the driver's own affair
        super().__init__(protocol, transport, *rest)
        silence.watch(transport.get_extra_info("socket"))


def _limits(patience: float) -> dict[str, str]:
    once, twice = f"{patience * 1000:.0f}", f"{patience * 2000:.0f}"
    return {
        "lock_timeout": once,
        "statement_timeout": twice,
        "idle_in_transaction_session_timeout": twice,
        "default_transaction_read_only": "on",  # who writes says so as the transaction begins
    }


@contextmanager
def translated() -> Iterator[None]:
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
        if re.match("(cannot call|connection is|the underlying).*(clos|released)", str(error)):
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
