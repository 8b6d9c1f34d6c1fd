"""The orders function as it is served, on both databases, with keys from a real server and tokens signed by them."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from httpx import AsyncClient

from functions.orders.app import application
from runtime.database import Database
from tests.databases import with_schema
from tests.served import running
from tests.tokens import Signer, bearer, jwks_url, signer

__all__ = ["bearer", "jwks_url", "signer"]


@pytest.fixture
def alice(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000a")


@pytest.fixture
def bob(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-00000000000b")


@pytest.fixture
def admin(signer: Signer) -> Mapping[str, str]:
    return bearer(signer, "019ab000-0000-7000-8000-0000000000ad", "admin")


orders_url = with_schema(Path("functions/orders"))


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
