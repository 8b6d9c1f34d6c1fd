"""A body as it comes in, and a client that leaves."""

import asyncio
import gc

import pytest

from functions.gateway.inbound import MOMENT, ClientLeft, Inbound
from runtime.asgi import Message
from runtime.serving.timers import Timers
from tests.exchanges import everything

GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """What the server would say of a client: these messages, then nothing until it leaves."""

    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)
        self._gone = asyncio.Event()

    async def __call__(self) -> Message:
        if self._messages:
            return self._messages.pop(0)
        await self._gone.wait()
        return GONE

    def leave(self) -> None:
        self._gone.set()


async def test_a_body_is_read_part_by_part() -> None:
    inbound = Inbound(Client(part(b"ab", more=True), part(b"c", more=True), part(b"", more=False)), None)
    assert [await inbound.read(), await inbound.read(), await inbound.read()] == [b"ab", b"c", b""]


async def test_the_end_stays_the_end() -> None:
    inbound = Inbound(Client(part(b"ab", more=False)), None)
    assert await everything(inbound.read) == b"ab"
    assert await inbound.read() == b""


async def test_an_empty_part_is_not_the_end() -> None:
    inbound = Inbound(Client(part(b"", more=True), part(b"ab", more=False)), None)
    assert await inbound.read() == b"ab"


async def test_without_a_body_nothing_is_asked() -> None:
    assert await Inbound(Client(), 0).read() == b""


async def test_a_body_is_over_with_its_last_byte() -> None:
    inbound = Inbound(Client(part(b"abc", more=True)), 3)
    assert await inbound.read() == b"abc"
    assert inbound.over


async def test_who_reads_the_body_learns_that_the_client_left() -> None:
    inbound = Inbound(Client(part(b"ab", more=True), GONE), 3)
    await inbound.read()
    with pytest.raises(ClientLeft):
        await inbound.read()
    assert inbound.client_left


async def waiting(inbound: Inbound, begun: asyncio.Event) -> None:
    """A request that gets no answer."""
    inbound.watch(Timers(MOMENT))
    try:
        while await inbound.read():
            pass
        begun.set()
        await asyncio.Event().wait()
    finally:
        inbound.close()


@pytest.mark.parametrize(
    ("client", "length"),
    [(Client(), 0), (Client(part(b"abc", more=True)), 3), (Client(part(b"abc", more=False)), None)],
    ids=["without a body", "with a body of known length", "with a chunked body"],
)
async def test_a_client_that_leaves_ends_what_is_done_for_it(client: Client, length: int | None) -> None:
    inbound, begun = Inbound(client, length), asyncio.Event()
    request = asyncio.create_task(waiting(inbound, begun))
    await begun.wait()
    client.leave()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert inbound.client_left


async def test_a_body_that_nobody_reads_hides_no_client_that_leaves() -> None:
    client = Client(part(b"ab", more=True), part(b"cd", more=True))
    inbound = Inbound(client, 100)

    async def answering() -> None:
        inbound.watch(Timers(MOMENT))
        inbound.skip()
        await asyncio.Event().wait()

    request = asyncio.create_task(answering())
    client.leave()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_a_request_that_is_over_is_watched_no_more() -> None:
    client = Client()
    inbound = Inbound(client, 0)
    inbound.watch(Timers(MOMENT))
    inbound.close()
    client.leave()
    assert not inbound.client_left


async def test_a_request_leaves_nothing_for_the_collector_of_cycles() -> None:
    async def request() -> None:
        inbound = Inbound(Client(), 0)
        inbound.watch(Timers(MOMENT))
        inbound.close()

    def left() -> int:
        return sum(type(each) is Inbound for each in gc.get_objects())

    gc.disable()
    try:
        before = left()
        await asyncio.create_task(request())
        assert left() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_left_of_a_body_is_read_on_and_who_leaves_then_ends_nothing(*, late: bool) -> None:
    client = Client(part(b"a", more=True))
    inbound = Inbound(client, 3)
    inbound.watch(Timers(MOMENT))
    if late:
        inbound.skip()
        inbound.late()
    drained = asyncio.create_task(inbound.drain())
    await asyncio.sleep(0)
    client.leave()
    await drained
    inbound.close()
    assert await client() == GONE
