"""functions/users/admin.py: how an admin is made, as the operator sees it, on both databases."""

import asyncio
import subprocess
import sys

import pytest
from httpx import AsyncClient

from tests.contract.functions.users.calls import ANN, bearing, joined, logged_in, problem, registered


async def admin(*arguments: str, says: str = "") -> tuple[int, str]:
    """Runs the command; its exit code, and everything that it told."""
    command = [sys.executable, "-m", "functions.users.admin", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, input=says, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_a_new_admin_logs_in_with_the_password_that_was_shown_once(client: AsyncClient) -> None:
    code, told = await admin("root@example.org", "--create")
    assert code == 0
    password = told.strip().rpartition(" ")[2]
    pair = await logged_in(client, {"email": "root@example.org", "password": password})
    assert (await client.get("/users", headers=bearing(pair))).status_code == 200


async def test_an_account_that_exists_is_promoted_after_a_yes_and_has_to_log_in_again(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    code, told = await admin("ANN@example.org", says="y\n")
    assert code == 0
    assert f"{user['email']} ({user['name']}, {user['id']}), here since {user['created_at']}" in told
    assert problem(await client.get("/users", headers=bearer)) == (401, "unauthenticated")
    assert (await client.get("/users", headers=bearing(await logged_in(client)))).status_code == 200


async def test_a_yes_may_be_given_beforehand(client: AsyncClient) -> None:
    await registered(client)
    assert (await admin(ANN["email"], "--yes"))[0] == 0
    assert (await client.get("/users", headers=bearing(await logged_in(client)))).status_code == 200


@pytest.mark.parametrize("says", ["", "\n", "n\n", "yeah\n"])
async def test_without_a_yes_nothing_is_changed(client: AsyncClient, says: str) -> None:
    user, bearer = await joined(client)
    _, told = await admin(ANN["email"], says=says)
    assert told.endswith("Nothing was changed.\n")
    assert (await client.get("/users/me", headers=bearer)).json() == user


async def test_who_is_an_admin_already_stays_one(client: AsyncClient) -> None:
    await registered(client)
    await admin(ANN["email"], says="yes\n")
    _, told = await admin(ANN["email"])
    assert told.endswith("is an admin already.\n")


@pytest.mark.parametrize("more", [[], ["--yes"]])
async def test_a_mistyped_address_makes_no_account_and_names_the_one_that_is_near(
    client: AsyncClient, more: list[str]
) -> None:
    await registered(client)
    code, told = await admin("anne@example.org", *more)
    assert code == 1
    assert told.startswith("There is no account anne@example.org: did you mean ann@example.org? `just admin anne@")
    assert told.endswith("--create` makes one.\n")
    assert (await admin("anne@example.org"))[0] == 1
    assert "did you mean" not in (await admin("somebody@elsewhere.test"))[1]


@pytest.mark.usefixtures("environment")
async def test_what_is_wrong_is_told_in_a_line() -> None:
    assert await admin("ann") == (1, "an email has one `@` and at most 254 characters\n")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("arguments", [[], ["ann@example.org", "--foo"], ["--cre", "ann@example.org"]])
async def test_an_option_that_there_is_not_is_told_with_the_usage(arguments: list[str]) -> None:
    code, told = await admin(*arguments)
    assert code == 2
    assert told.startswith("usage: just admin ")


async def test_a_database_that_is_away_is_told_in_a_line(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////nowhere/users.db")
    assert await admin("ann@example.org") == (1, "The database cannot be reached.\n")
