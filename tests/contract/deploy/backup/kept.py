"""A database of orders as tests see it, and as backups do; and a disk that is full."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from typing import TYPE_CHECKING, Any

from deploy.backup.postgres import Postgres
from deploy.backup.sqlite import Sqlite
from runtime.database import Database
from runtime.database.migrate import read

if TYPE_CHECKING:
    from deploy.backup.store import Store

Rows = list[tuple[Any, ...]]


MIGRATIONS = read(Path("functions/orders/schema"))


class Kept:
    """A database of orders, and what backups see of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store: Store = Sqlite(Path(url.removeprefix("sqlite:///"))) if "sqlite" in url else Postgres(url)

    def write(self, *statements: str) -> None:
        asyncio.run(write(self.url, *statements))

    def rows(self, table: str) -> Rows:
        """Every row, sorted."""
        return asyncio.run(_rows(self.url, table))


async def write(url: str, *statements: str) -> None:
    database = await Database.open(url, connections=1)
    try:
        async with database.write() as connection:
            for statement in statements:
                await connection.execute(statement)
    finally:
        await database.close()


async def _rows(url: str, table: str) -> Rows:
    database = await Database.open(url, connections=1)
    try:
        async with database.read() as connection:
            found = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608  a name in a test
    finally:
        await database.close()
    return sorted(tuple(dict(row).values()) for row in found)


def product(sku: str) -> str:
    return f"INSERT INTO products (sku, name, currency, unit_price, stock) VALUES ('{sku}', 'Mug — ☕ \\ ;''', 'EUR', 900, 3)"  # noqa: S608, E501  a name in a test


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process, or of one that it starts, grows beyond 4 KiB."""
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)
