import asyncio

import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.cache.growing import Growing
from tests.unit.functions.gateway.stages.cache.origin import Parts, turn


async def test_a_reader_gets_each_part_when_it_is_there_and_then_the_end() -> None:
    growing = Growing()
    reading = asyncio.create_task(growing.read())
    await turn()
    assert not reading.done()
    growing.add(b"one")
    assert await reading == b"one"
    growing.add(b"two")
    growing.add(b"three")
    growing.end()
    assert [await growing.read(), await growing.read()] == [b"twothree", b""]
    assert growing.whole == b"onetwothree"


async def test_it_has_ended_once_all_was_read_that_will_come() -> None:
    growing = Growing()
    growing.add(b"one")
    await growing.read()
    assert not growing.ended  # as more may come
    growing.add(b"two")
    growing.end()
    assert not growing.ended
    await growing.read()
    assert growing.ended


async def test_what_is_broken_off_or_handed_over_has_not_ended() -> None:
    broken, large = Growing(), Growing()
    broken.end(OSError("gone"))
    large.hand_over(Response(200, [], b"", Parts(b"two", b"")))
    assert not broken.ended
    assert not large.ended


async def test_what_breaks_it_off_reaches_the_reader_after_what_came() -> None:
    growing = Growing()
    growing.add(b"one")
    growing.end(OSError("gone"))
    assert await growing.read() == b"one"
    with pytest.raises(OSError, match="gone"):
        await growing.read()


async def test_the_rest_of_a_large_one_is_read_by_who_wants_it() -> None:
    growing = Growing()
    growing.add(b"one")
    rest = Parts(b"two", b"")
    growing.hand_over(Response(200, [], b"", rest))
    assert [await growing.read() for _ in range(3)] == [b"one", b"two", b""]
    growing.close()
    assert rest.closed


async def test_nobody_wants_the_rest_of_what_nobody_reads() -> None:
    growing = Growing()
    rest = Parts()
    growing.close()
    growing.hand_over(Response(200, [], b"", rest))
    assert rest.closed


async def test_an_empty_part_is_not_the_end() -> None:
    growing = Growing()
    growing.add(b"")
    reading = asyncio.create_task(growing.read())
    await asyncio.sleep(0)
    growing.add(b"one")
    assert await reading == b"one"
