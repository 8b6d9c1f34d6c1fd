"""What stays when a manifest changes, and what goes when nobody needs it."""

import pytest

from functions.gateway.exchange import Exchange, Response
from functions.gateway.instances.watch import Instances
from functions.gateway.reach import Neighbours
from functions.gateway.stages.forward.client import Client
from runtime.manifest import Manifest
from tests.exchanges import manifest


class World:
    """Everybody is at one address; how often was asked who is."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def source(self, name: str) -> frozenset[str]:
        self.asked.append(name)
        return frozenset({f"{name}:1"})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def neighbours(world: World, client: Client) -> Neighbours:
    def elsewhere(_: Manifest) -> Instances:
        return Instances(world.source, 60)

    return Neighbours(Instances(world.source, 60), elsewhere, client, lambda _: lambda: None)


def legacy(host: str) -> Manifest:
    return manifest({"match": "GET /legacy"}, name="legacy", own={"app": None, "upstream": {"url": f"http://{host}"}})


async def test_what_says_the_same_is_the_same(neighbours: Neighbours, world: World) -> None:
    one = await neighbours.reach(manifest({"match": "GET /a"}))
    other = await neighbours.reach(manifest({"match": "GET /b", "limit": "1/1h"}, body="1KiB"))
    assert one is other
    assert world.asked == ["things"]
    await neighbours.close()


async def test_another_bound_leaves_circuits_and_what_is_in_flight(neighbours: Neighbours) -> None:
    one = await neighbours.reach(manifest())
    other = await neighbours.reach(manifest(own={"concurrency": {"start": 5}}))
    assert other.upstream.gate.bound.limit == 5
    assert other.upstream.circuits is one.upstream.circuits
    assert other.upstream.in_flight is one.upstream.in_flight
    assert other.upstream.budget is one.upstream.budget
    await neighbours.close()


async def test_other_circuits_leave_the_bound(neighbours: Neighbours) -> None:
    one = await neighbours.reach(manifest())
    other = await neighbours.reach(manifest(own={"circuit": {"consecutive": 1}}))
    assert other.upstream.gate is one.upstream.gate
    assert other.upstream.circuits is not one.upstream.circuits
    await neighbours.close()


async def test_a_service_that_moves_is_another(neighbours: Neighbours, world: World) -> None:
    one, other = await neighbours.reach(legacy("a")), await neighbours.reach(legacy("b"))
    assert one.watch is not other.watch
    assert world.asked == ["legacy", "legacy"]
    assert await neighbours.reach(legacy("a")) is one
    await neighbours.close()


async def test_what_nobody_needs_is_let_go_once_nothing_is_in_flight_there(
    neighbours: Neighbours, client: Client
) -> None:
    reach = await neighbours.reach(manifest())

    async def handler(_: Exchange) -> Response:
        return Response(200, [])

    reach.handlers.add(handler)
    assert not await neighbours.let_go([])
    assert [*reach.watch.members.addresses] == ["things:1"]
    del handler
    assert await neighbours.let_go([])
    assert [*reach.watch.members.addresses] == []
    assert client._on_connected == []


async def test_what_is_needed_stays(neighbours: Neighbours, client: Client) -> None:
    one = await neighbours.reach(manifest())
    other = await neighbours.reach(manifest(own={"circuit": {"consecutive": 1}}))
    assert len(client._on_connected) == 2
    assert await neighbours.let_go([other])
    assert client._on_connected == [other.upstream.circuits.reached]
    assert other.watch.members.addresses == ("things:1",)
    assert one.watch is other.watch
    await neighbours.close()


async def test_a_function_that_comes_back_is_asked_for_again(neighbours: Neighbours, world: World) -> None:
    await neighbours.reach(manifest())
    await neighbours.let_go([])
    again = await neighbours.reach(manifest())
    assert again.watch.members.addresses == ("things:1",)
    assert world.asked == ["things", "things"]
    await neighbours.close()
