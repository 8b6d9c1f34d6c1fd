"""Which bodies are held."""

from functions.gateway.stages.keep import KEPT, keep
from tests.exchanges import Below, everything, exchange


async def test_a_small_body_is_held_whole() -> None:
    below = Below()
    await keep()(below)(exchange(b"POST", b"/", [], b"ab", b"c", length=3))
    assert (below.seen[0].body, below.seen[0].whole) == (b"abc", True)


async def test_a_large_body_is_left_to_be_read() -> None:
    below = Below()
    await keep()(below)(exchange(b"POST", b"/", [], b"x" * KEPT, b"x", length=KEPT + 1))
    assert not below.seen[0].whole
    assert len(await everything(below.seen[0].read)) == KEPT + 1


async def test_a_body_of_unknown_length_is_left_to_be_read() -> None:
    below = Below()
    await keep()(below)(exchange(b"POST", b"/", [], b"abc", length=None))
    assert not below.seen[0].whole
    assert await everything(below.seen[0].read) == b"abc"


async def test_no_body_is_nothing_to_hold() -> None:
    below = Below()
    await keep()(below)(exchange(b"POST"))
    assert (below.seen[0].body, below.seen[0].whole) == (None, True)
