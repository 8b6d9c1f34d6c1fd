"""What a rollout does about manifests: with gateways that take them in, and with those that can't."""

from pathlib import Path

import pytest

from deploy import apply
from deploy.engine import Refusal
from deploy.manifests import Manifests, Turn
from deploy.revisions import Revisions
from runtime.manifest import ManifestError
from tests.unit.deploy.test_apply import Gateway, Stack, at_once

__all__ = ["at_once"]

USERS = 'name = "users"\n[app]\nmodule = "a"\n'
ROUTE = '[[route]]\nmatch = "GET /a"\n'
LARGER = '[[route]]\nmatch = "PUT /a"\nbody = "2MiB"\n'
KEYS = '[api_keys]\nprefix = "a_"\nswap = "/b"\n'


class World:
    """A checkout with one function, a gateway, and how often nginx read again what it takes."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "functions" / "users" / "function.toml"
        self.file.parent.mkdir(parents=True)
        self.gateway = Gateway("gateway-1")
        self.reloads = 0
        stack = Stack(self.gateway)
        revisions = Revisions(folder / "manifests")
        self.manifests = Manifests(folder / "functions", revisions, stack.running, self.reload)

    def reload(self) -> None:
        self.reloads += 1

    def edit(self, text: str) -> str:
        self.file.write_text(text)
        return self.manifests.keep()

    def begin(self, text: str) -> str:
        self.gateway.serves = self.edit(text)
        self.manifests.begin()
        return self.gateway.serves

    @property
    def current(self) -> str:
        return self.manifests.revisions.current


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_edit_is_served_and_nginx_left_alone(world: World) -> None:
    world.begin(USERS)
    revision = world.edit(USERS + '[[route]]\nmatch = "GET /a"\nbody = "1KiB"\n')
    assert world.manifests.apply_checkout() == apply.Applied(revision)
    assert (world.gateway.serves, world.current, world.reloads) == (revision, revision, 0)
    assert world.manifests.apply_checkout() == apply.Applied(revision, changed=False)


def test_nginx_reads_again_what_it_takes_of_bodies(world: World) -> None:
    world.begin(USERS)
    world.edit(USERS + LARGER)
    world.manifests.apply_checkout()
    assert world.reloads == 1


def test_a_gateway_that_serves_another_one_is_told(world: World) -> None:
    revision = world.begin(USERS)
    world.gateway.serves = "old"
    assert world.manifests.apply_checkout() == apply.Applied(revision)
    assert world.gateway.serves == revision


@pytest.mark.parametrize(
    "text", ["", USERS + "dedline = 1\n", USERS + ROUTE + ROUTE, USERS + ROUTE + 'deadline = "1h"\n']
)
def test_what_is_wrong_is_told_and_changes_nothing(world: World, text: str) -> None:
    before = world.begin(USERS)
    world.file.write_text(text)
    with pytest.raises(ManifestError):
        world.manifests.apply_checkout()
    assert (world.gateway.serves, world.current) == (before, before)


@pytest.mark.parametrize(
    ("text", "line"),
    [(USERS.replace('"a"', '"b"'), "users: app: is another"), (USERS + KEYS, "users: api_keys: is another")],
)
def test_what_has_instances_move_or_start_changes_nothing(world: World, text: str, line: str) -> None:
    before = world.begin(USERS)
    world.file.write_text(text)
    applied = world.manifests.apply_checkout()
    assert applied.beyond[0].startswith(line)
    assert (world.gateway.serves, world.current) == (before, before)


def test_a_rollout_serves_its_manifests_and_brings_back_those_of_before(world: World) -> None:
    first = world.begin(USERS)
    second = world.edit(USERS + LARGER)
    turn = Turn(world.manifests)
    turn.take()
    turn.remember()
    assert (turn.changed, turn.rolls) == (True, False)
    assert turn.apply(replacing=False)
    assert world.gateway.serves == second
    back = Turn(world.manifests)
    back.take_previous()
    back.remember()
    assert back.apply(replacing=False)
    assert world.gateway.serves == first
    assert world.manifests.revisions.previous == second


def test_a_rollout_that_fails_serves_what_was_served(world: World) -> None:
    first = world.begin(USERS)
    world.edit(USERS + LARGER)
    turn = Turn(world.manifests)
    turn.take()
    turn.remember()
    turn.apply(replacing=False)
    turn.turn_back()
    assert (world.gateway.serves, world.current, world.manifests.revisions.previous) == (first, first, "")
    assert world.reloads == 2


def test_gateways_that_are_replaced_next_may_say_no(world: World) -> None:
    world.begin(USERS)
    second = world.edit(USERS + ROUTE)
    world.gateway.why = ["a key that it does not know"]
    turn = Turn(world.manifests)
    turn.take()
    assert turn.apply(replacing=True)
    assert world.current == second
    assert world.gateway.serves != second


def test_gateways_that_go_on_may_not(world: World) -> None:
    first = world.begin(USERS)
    world.edit(USERS + ROUTE)
    world.gateway.why = ["no"]
    turn = Turn(world.manifests)
    turn.take()
    with pytest.raises(Refusal, match="nothing was changed"):
        turn.apply(replacing=False)
    assert world.current == first


def test_keys_have_gateways_replaced(world: World) -> None:
    world.begin(USERS)
    world.file.write_text(USERS + KEYS)
    turn = Turn(world.manifests)
    turn.take()
    assert turn.rolls
    world.gateway.why, world.gateway.rolls = ["users: api_keys"], True
    assert turn.apply(replacing=True)
    assert turn.rolls  # also once they are the current ones


def test_where_nothing_was_replaced_there_is_nothing_to_go_back_to(world: World) -> None:
    world.begin(USERS)
    turn = Turn(world.manifests)
    turn.take_previous()
    assert not turn.changed
    assert not turn.apply(replacing=False)
    assert world.gateway.serves == world.current


def test_what_can_not_be_taken_back_by_who_runs_is_what_the_next_gateway_begins_with(world: World) -> None:
    first = world.begin(USERS)
    world.file.write_text(USERS + KEYS)
    turn = Turn(world.manifests)
    turn.take()
    world.gateway.why, world.gateway.rolls = ["users: api_keys"], True
    turn.apply(replacing=True)
    assert world.current != first
    turn.turn_back()
    assert world.current == first
