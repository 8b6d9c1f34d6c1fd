"""functions/users/app.py: started, stopped and started again."""

from inspect import signature
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from httpx import AsyncClient
from litestar.handlers import HTTPRouteHandler

from functions.gateway.routes import compile_routes
from functions.users import accounts, logins
from functions.users.apikeys import handlers as apikeys
from functions.users.app import application
from functions.users.model import EMAIL_TAKEN
from functions.users.passwords import parameters
from runtime.database import Database
from runtime.manifest import read_all
from tests.contract.functions.users.calls import ANN, BOB, logged_in, registered
from tests.served import NotStarted, running


async def test_health_asks_the_database(client: AsyncClient) -> None:
    assert (await client.get("/health")).json()["dependencies"] == {"database": "up"}


async def test_accounts_outlive_a_restart_after_which_hashing_costs_more_and_their_hashes_follow(
    environment: pytest.MonkeyPatch, database: Database
) -> None:
    async with running(application) as first:
        await registered(first)
    environment.setenv("ARGON2_PASSES", "2")
    async with running(application) as second:
        await logged_in(second)
        await logged_in(second)
    assert "t=2" in await stored_hash(database)


async def test_after_hashing_costs_more_an_old_hash_a_new_one_and_none_cost_the_same(
    environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(application) as first:
        await registered(first)
    environment.setenv("ARGON2_PASSES", "2")
    checked: list[str] = []
    verify = PasswordHasher.verify

    def noted(hasher: PasswordHasher, hashed: str, password: str) -> bool:
        checked.append(parameters(hashed))
        return verify(hasher, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    work = []
    async with running(application) as second:
        await registered(second, BOB)
        for email in ("nobody@example.org", ANN["email"], BOB["email"]):
            checked.clear()
            await second.post("/sessions", json={"email": email, "password": "wrong horse battery"})
            work.append(sorted(checked))
    assert len(work[0]) == 2
    assert work[0] == work[1] == work[2]


def test_what_one_network_may_have_hashed_looked_up_and_kept_is_bounded() -> None:
    bounded = {
        (route.method, route.path)
        for route in compile_routes(read_all(Path("functions")))
        if any(rule.by == "address" for rule in route.rules.values())
    }
    handlers = [*accounts.HANDLERS, *logins.HANDLERS, *apikeys.HANDLERS]
    costly = {
        (method, path) for each in handlers if is_costly(each) for method in each.http_methods for path in each.paths
    }
    assert ("PUT", "/users/me/password") in costly
    assert costly <= bounded


def is_costly(handler: HTTPRouteHandler) -> bool:
    """Whether it hashes a password, which all logins wait for, tells who has an account, or makes what is kept."""
    told = handler.opt.get("answers")
    makes = told is not None and (201 in told.shown or EMAIL_TAKEN in told.problems)
    return makes or "passwords" in signature(handler.fn).parameters


async def stored_hash(database: Database) -> str:
    async with database.read() as connection:
        (row,) = await connection.fetch("SELECT password_hash FROM users")
    return str(row["password_hash"])


async def test_it_does_not_start_without_a_signing_key_and_says_how_to_make_one(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("SIGNING_KEYS_DIR", str(tmp_path))
    with pytest.raises(NotStarted, match=r"run `python -m runtime\.identity\.signing_keys"):
        async with running(application):
            pass


async def test_it_does_not_start_without_its_database(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////nowhere/users.db")
    with pytest.raises(NotStarted, match="database"):
        async with running(application):
            pass
