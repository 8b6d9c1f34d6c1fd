import asyncio

from functions.gateway.stages.cache.fills import ALONE, APART
from tests.unit.functions.gateway.stages.cache.origin import Cached, Origin, turn

NAME = b"things /things/1", b"http://portico.test"


async def test_a_fill_can_be_joined_until_it_ends_or_something_is_invalidated() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=0, stale-while-revalidate=60"))
    await cached.get()
    await turn()
    assert cached.fills.joined(NAME) is None
    origin.ready.clear()
    await cached.get()
    assert cached.fills.joined(NAME) is not None
    cached.fills.forget()
    assert cached.fills.joined(NAME) is None
    await cached.fills.close()


async def test_requests_go_their_own_ways_for_a_while_only() -> None:
    cached = Cached(Origin("Cache-Control: private"))
    await cached.get()
    await turn()
    assert cached.fills.apart(NAME)
    cached.now += APART
    assert not cached.fills.apart(NAME)


def asks(cached: Cached, target: bytes) -> "asyncio.Task[object]":
    return asyncio.create_task(cached.get(target=target))


async def leave(*clients: "asyncio.Task[object]") -> None:
    for each in clients:
        each.cancel()
    await asyncio.wait(clients)
    await turn()


async def test_of_what_nobody_waits_for_any_more_a_few_go_on_and_the_rest_ends() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=60"))
    origin.ready.clear()
    targets = [b"/things/%d" % number for number in range(ALONE + 5)]
    clients = [asks(cached, target) for target in targets]
    await turn()
    await leave(*clients)
    origin.ready.set()
    await turn()
    asked = len(origin.seen)
    for target in targets:
        await cached.get(target=target)
    assert len(origin.seen) - asked == 5  # the others had been brought for whoever comes next
    await cached.fills.close()


async def test_what_somebody_else_waits_for_goes_on_however_many_do() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=60"))
    origin.ready.clear()
    others = [asks(cached, b"/others/%d" % number) for number in range(ALONE)]
    first, second = asks(cached, b"/things/1"), asks(cached, b"/things/1")
    await turn()
    await leave(*others, first)
    origin.ready.set()
    await second
    assert len(origin.seen) == ALONE + 1
    await cached.fills.close()


async def test_places_of_those_that_ended_are_free_again() -> None:
    cached = Cached(origin := Origin("Cache-Control: max-age=60"))
    for number in range(3 * ALONE):
        origin.ready.clear()
        client = asks(cached, b"/things/%d" % number)
        await turn()
        await leave(client)
        origin.ready.set()
        await turn()
    asked = len(origin.seen)
    for number in range(3 * ALONE):
        await cached.get(target=b"/things/%d" % number)
    assert len(origin.seen) == asked
    await cached.fills.close()
