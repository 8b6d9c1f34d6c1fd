"""How a stream goes out: as fast as its client takes it, and no slower than a bound."""

import asyncio

import pytest

from functions.gateway.exchange import Header, Response
from functions.gateway.outbound import COMMENT, PIECE, SLOWEST, Events, ReadsTooSlowly, lively, pass_on, streaming
from runtime.asgi import Message
from tests.calls import Stream

EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
SIZED = (b"content-length", b"9")


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


@pytest.mark.parametrize("kind", [b"text/plain", b"application/json", b"text/event-stream"])
def test_what_is_still_coming_passes_nginx_as_it_comes(kind: bytes) -> None:
    assert streaming(Response(200, [(b"content-type", kind)], b"a", Stream())) == [(b"x-accel-buffering", b"no")]


def test_what_says_its_length_or_is_whole_is_left_to_nginx() -> None:
    assert streaming(Response(200, [SIZED], b"a", Stream())) == []
    assert streaming(Response(200, [], b"a")) == []


@pytest.mark.parametrize(
    "headers", [[], [EVENTS, SIZED], [EVENTS, (b"content-encoding", b"gzip")], [(b"content-type", b"text/event")]]
)
def test_nothing_is_put_into_what_is_no_stream_of_plain_events(headers: list[Header]) -> None:
    stream = Stream()
    assert lively(Response(200, headers, b"", stream)) is stream


class Silent:
    """Gives these parts; where it has None, it is silent until it is asked once more."""

    ended = False
    closed = False

    def __init__(self, *parts: bytes | None) -> None:
        self._parts = list(parts)

    async def read(self) -> bytes:
        if (part := self._parts.pop(0)) is None:
            await asyncio.Event().wait()
        assert part is not None
        return part

    def close(self) -> None:
        self.closed = True


async def test_a_stream_of_events_that_is_silent_says_a_comment_and_loses_nothing() -> None:
    stream = lively(Response(200, [EVENTS], b"data: 1\n\n", Silent(None, None, b"data: 2\n", None, b"\n", b"")), 0.001)
    assert isinstance(stream, Events)
    said = [await stream.read() for _ in range(6)]
    assert said == [COMMENT, COMMENT, b"data: 2\n", COMMENT, b"\n", b""]


@pytest.mark.parametrize("begun", [b"data: 1", b"data: 1\r"])
async def test_a_line_that_has_begun_is_waited_for(begun: bytes) -> None:
    """The half of a line end, too: the other half would be an empty line."""
    stream = lively(Response(200, [EVENTS], begun, Silent(None)), 0.001)
    assert isinstance(stream, Events)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.read(), 0.05)


async def test_a_stream_of_events_ends_and_is_closed_as_its_function_has_it() -> None:
    inner = Silent()
    stream = lively(Response(200, [EVENTS], b"", inner))
    assert stream is not None
    assert not stream.ended
    stream.close()
    assert inner.closed
