"""The users function as it is served, on both databases, with hashes that cost next to nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from functions.users.app import application
from runtime.database import Database
from runtime.identity import signing_keys
from tests.databases import database_url, postgres_database_url, sqlite_database_url, with_schema
from tests.served import running

__all__ = ["database_url", "postgres_database_url", "sqlite_database_url"]


users_url = with_schema(Path("functions/users"))


@pytest.fixture
async def database(users_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(users_url)
    yield opened
    await opened.close()


@pytest.fixture
def environment(users_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that the function needs to start."""
    signing_keys.create(tmp_path / "keys", "one")
    said = {"DATABASE_URL": users_url, "SIGNING_KEYS_DIR": str(tmp_path / "keys")}
    for name, value in (said | {"ARGON2_MEMORY": "8KiB", "ARGON2_PASSES": "1"}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
async def client(environment: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    """Speaks to the exported application, in its lifespan."""
    del environment
    async with running(application) as client:
        yield client
