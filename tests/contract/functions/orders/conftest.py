"""The orders function as it is served, on both databases, with keys from a real server and tokens signed by them."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from httpx import AsyncClient

from functions.orders.app import application
from runtime.database import Database
from runtime.migrate import migrate
from tests.databases import database_url, postgres_database_url, sqlite_database_url
from tests.served import running
from tests.tokens import Signer, bearer, jwks_url, signer

__all__ = ["bearer", "database_url", "jwks_url", "postgres_database_url", "signer", "sqlite_database_url"]


@pytest.fixture
def alice(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000a")


@pytest.fixture
def bob(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000b")


@pytest.fixture
def admin(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-0000000000ad", "admin")


@pytest.fixture
async def orders_url(database_url: str) -> str:
    """The URL of a database that holds the schema and no row."""
    await migrate(database_url, Path("functions/orders"))
    return database_url


@pytest.fixture
async def database(orders_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(orders_url)
    yield opened
    await opened.close()


@pytest.fixture
def environment(orders_url: str, jwks_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that the function needs to start."""
    monkeypatch.setenv("DATABASE_URL", orders_url)
    monkeypatch.setenv("JWKS_URL", jwks_url)
    return monkeypatch


@pytest.fixture
async def client(environment: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    """Speaks to the exported application."""
    del environment
    async with running(application) as client:
        yield client
