"""functions/users/app.py: started, stopped and started again."""

from pathlib import Path

import pytest
from httpx import AsyncClient

from functions.users.app import application
from tests.contract.functions.users.calls import logged_in, registered
from tests.served import NotStarted, running


async def test_health_asks_the_database(client: AsyncClient) -> None:
    assert (await client.get("/health")).json()["dependencies"] == {"database": "up"}


async def test_accounts_outlive_a_restart_after_which_hashing_costs_more(environment: pytest.MonkeyPatch) -> None:
    async with running(application) as first:
        await registered(first)
    environment.setenv("ARGON2_PASSES", "2")
    async with running(application) as second:
        await logged_in(second)
        await logged_in(second)


async def test_it_does_not_start_without_a_signing_key_and_says_how_to_make_one(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("SIGNING_KEYS_DIR", str(tmp_path))
    with pytest.raises(NotStarted, match=r"run `python -m runtime\.signing"):
        async with running(application):
            pass


async def test_it_does_not_start_without_its_database(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////nowhere/users.db")
    with pytest.raises(NotStarted, match="database"):
        async with running(application):
            pass
