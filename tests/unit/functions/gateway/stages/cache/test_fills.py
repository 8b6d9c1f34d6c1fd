from functions.gateway.stages.cache.fills import APART
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
