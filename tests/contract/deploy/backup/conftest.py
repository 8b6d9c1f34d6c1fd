"""A function's database of either kind, migrated and with a row, as a Store."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from runtime.database.migrate import migrate
from tests.contract.deploy.backup.kept import Kept, product, write
from tests.databases import PostgresServer, database_url, sqlite_database_url

__all__ = ["database_url", "sqlite_database_url"]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Of the version of this machine's psql."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def postgres_database_url(server: PostgresServer) -> str:
    """The URL of an empty database, which goes with its server."""
    name = f"portico_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(server.url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))


@pytest.fixture
async def kept(database_url: str) -> Kept:
    """Holds the schema of orders, and one product."""
    await migrate(database_url, Path("functions/orders"))
    await write(database_url, product("mug"))
    return Kept(database_url)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """There and empty, as a store wants it."""
    file = tmp_path / "saved"
    file.touch()
    return file
