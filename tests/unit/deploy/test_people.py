"""Who `just call` calls as: registered once, logged in when that is needed, remembered where nobody else can read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.engine import Refusal
from deploy.people import People


@dataclass
class Accounts:
    """A service of accounts whose tokens are good for a minute, as the client's transport."""

    passwords: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        told = json.loads(request.content)
        if self.broken:
            return httpx.Response(503, text="no")
        if request.url.path == "/users":
            self.passwords[told["email"]] = told["password"]
            return httpx.Response(201)
        if self.passwords.get(told["email"]) != told["password"]:
            return httpx.Response(401)
        return httpx.Response(201, json={"access_token": f"token-{len(self.asked)}", "expires_in": 60})


@dataclass
class World:
    """People, the service that knows them, and what time it is."""

    folder: Path
    client: httpx.Client
    accounts: Accounts
    admins: list[str] = field(default_factory=list)
    now: float = 1000.0

    def people(self) -> People:
        return People(self.client, self.folder, self.admins.append, lambda: self.now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    accounts = Accounts()
    with httpx.Client(base_url="http://localhost", transport=httpx.MockTransport(accounts)) as client:
        yield World(tmp_path / "people", client, accounts)


def test_somebody_new_is_registered_and_logged_in(world: World) -> None:
    assert world.people().token("me") == "token-2"
    assert world.accounts.asked == ["/users", "/sessions"]


def test_a_token_is_used_until_it_ends(world: World) -> None:
    first = world.people().token("me")
    world.now += 45
    assert world.people().token("me") == first
    world.now += 10
    assert world.people().token("me") != first
    assert world.accounts.asked == ["/users", "/sessions", "/sessions"]


def test_a_fresh_login_is_had_by_asking_for_one(world: World) -> None:
    first = world.people().token("me")
    assert world.people().token("me", fresh=True) != first


def test_two_people_are_two_accounts(world: World) -> None:
    assert world.people().token("me") != world.people().token("you")
    assert len(world.accounts.passwords) == 2


def test_only_who_is_called_admin_is_made_one_and_once(world: World) -> None:
    for name in ("me", "admin", "admin"):
        world.people().token(name, fresh=True)
    assert [email.partition("-")[0] for email in world.admins] == ["admin"]


def test_an_account_that_is_gone_is_made_again(world: World) -> None:
    world.people().token("me")
    world.accounts.passwords.clear()
    assert world.people().token("me", fresh=True)
    assert len(world.accounts.passwords) == 1


def test_what_is_remembered_nobody_else_can_read(world: World) -> None:
    world.people().token("me")
    assert world.folder.stat().st_mode & 0o777 == 0o700
    assert (world.folder / "me.json").stat().st_mode & 0o777 == 0o600


def test_no_login_to_be_had_is_one_sentence(world: World) -> None:
    world.accounts.broken = True
    with pytest.raises(Refusal, match="POST /users is answered with 503 no: try --anonymous"):
        world.people().token("me")


@pytest.mark.parametrize("name", ["", "../me", "Me", "a" * 31])
def test_a_name_that_is_no_file_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(Refusal, match="Nobody can be called"):
        world.people().token(name)


def test_a_file_that_was_broken_names_itself(world: World) -> None:
    world.people().token("me")
    (world.folder / "me.json").write_text("{")
    with pytest.raises(Refusal, match=r"me\.json can't be read: delete it"):
        world.people().token("me")
