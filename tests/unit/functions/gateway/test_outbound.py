"""How a stream goes out: as fast as its client takes it, and no slower than a bound."""

import asyncio

import pytest

from functions.gateway.outbound import PIECE, SLOWEST, ReadsTooSlowly, pass_on
from runtime.asgi import Message
from tests.calls import Stream


class Client:
    """Takes what it is sent; after `takes` messages it stops reading."""

    def __init__(self, takes: int = 1_000_000) -> None:
        self.got: list[Message] = []
        self._takes = takes

    async def send(self, message: Message) -> None:
        if len(self.got) == self._takes:
            await asyncio.Event().wait()
        self.got.append(message)


async def test_a_stream_arrives_whole_and_ends() -> None:
    client = Client()
    await pass_on(Stream(b"a", b"bc", b""), client.send)
    assert [message["body"] for message in client.got] == [b"a", b"bc", b""]
    assert [message["more_body"] for message in client.got] == [True, True, False]


async def test_the_last_part_says_that_it_is_the_last() -> None:
    client = Client()
    await pass_on(Stream(b"a", bytes(PIECE + 1), ends=True), client.send)
    assert [(len(message["body"]), message["more_body"]) for message in client.got] == [
        (1, True),
        (PIECE, True),
        (1, False),
    ]


@pytest.mark.parametrize("length", [1, PIECE, PIECE + 1, 3 * PIECE])
async def test_a_server_is_given_no_more_than_a_piece_at_once(length: int) -> None:
    client, part = Client(), bytes(range(256)) * (length // 256 + 1)
    await pass_on(Stream(part[:length], b""), client.send)
    pieces = [message["body"] for message in client.got[:-1]]
    assert b"".join(pieces) == part[:length]
    assert len(pieces) == -(-length // PIECE)
    assert max(map(len, pieces)) <= PIECE


async def test_a_client_that_stops_reading_is_left() -> None:
    client = Client(takes=1)
    with pytest.raises(ReadsTooSlowly):
        await pass_on(Stream(b"a", b"b", b""), client.send, stock=0.01)
    assert len(client.got) == 1


async def test_a_function_may_take_its_time() -> None:
    """What waits is the reading of the stream, and that uses up nothing."""

    class Slow:
        left = 3
        ended = False

        async def read(self) -> bytes:
            await asyncio.sleep(0.01)  # longer than the stock: it stands for a function that is slow
            self.left -= 1
            return b"event" if self.left else b""

        def close(self) -> None:
            pass

    client = Client()
    await pass_on(Slow(), client.send, stock=0.005)
    assert len(client.got) == 3


async def test_what_a_client_takes_buys_it_time() -> None:
    """Each piece takes a second longer than it buys, until the stock is used up."""
    now, sent = 0.0, 0

    async def send(_message: Message) -> None:
        nonlocal now, sent
        await asyncio.sleep(0)
        now += PIECE / SLOWEST + 1.0
        sent += 1

    with pytest.raises(ReadsTooSlowly):
        await pass_on(Stream(*[bytes(PIECE)] * 20, b""), send, stock=10.0, clock=lambda: now)
    assert sent == 10
