"""The client's side of an answer: its parts go out as fast as the client takes them, and no slower than a bound.

What is streamed goes out as it comes, also through nginx and its compression, and a stream of events is never silent
for long: who stands between would take it for dead, and cut it.

Whoever stops reading holds a connection to a function, and memory, that others wait for. So each client has some time
in stock: waiting for it uses that up, what it takes fills it up again. Waiting for the function costs nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import monotonic

from functions.gateway.exchange import Header, Response, Stream
from functions.gateway.stages.forward.headers import of_events
from runtime.asgi import Send

STOCK = 10.0  # seconds for which a client may leave everything unread
SLOWEST = 16 * 1024  # bytes a second that it takes in the long run, beyond what the sockets' buffers hold
PIECE = 64 * 1024  # bytes that a server is given at once: it keeps a few pieces for each client that is slow

QUIET = 45.0  # seconds without an event after which a comment is sent: nginx waits 60 s, others seldom less
COMMENT = b":\n"  # a line that readers of events leave out, wherever it stands (HTML, section 9.2.6)

_AS_IT_COMES = (b"x-accel-buffering", b"no")


class ReadsTooSlowly(Exception):
    """The answer is cut off: its client took less than it must."""


def streaming(response: Response) -> list[Header]:
    """What else the head of an answer says that is still coming.

    nginx gathers parts, and compresses some of them together, unless it is told not to. Where an answer says how long
    it is, who waits knows of the rest, so that is left to it.
    """
    return [_AS_IT_COMES] if _is_open(response) else []


def lively(response: Response, quiet: float = QUIET) -> Stream | None:
    """The stream of `response`; one of events says something after each `quiet` seconds."""
    stream = response.stream
    if stream is not None and _is_open(response) and of_events(response.headers):
        return Events(stream, response.content, quiet)
    return stream


def _is_open(response: Response) -> bool:
    """Whether nobody has said how long it will be."""
    return response.stream is not None and not any(name == b"content-length" for name, _ in response.headers)


class Events:
    """A stream of events with a comment wherever it would be silent for `quiet` seconds; `begun` went out before it."""

    def __init__(self, stream: Stream, begun: bytes, quiet: float) -> None:
        self._stream = stream
        self._last = begun[-1:] or b"\n"
        self._quiet = quiet

    @property
    def ended(self) -> bool:
        return self._stream.ended

    async def read(self) -> bytes:
        """The next part, or a comment between two lines: a line that has begun is waited for."""
        try:
            async with asyncio.timeout(self._quiet if self._last == b"\n" else None):
                part = await self._stream.read()
        except TimeoutError:
            return COMMENT
        self._last = part[-1:]
        return part

    def close(self) -> None:
        self._stream.close()


async def pass_on(stream: Stream, send: Send, stock: float = STOCK, clock: Callable[[], float] = monotonic) -> None:
    """Sends `stream` to its end, as the rest of a body. Raises ReadsTooSlowly, and whatever breaks the stream."""
    left = stock
    more = True
    while more:
        part = await stream.read()
        more = bool(part) and not stream.ended
        for piece, follows in _pieces(part):
            began = clock()
            try:
                async with asyncio.timeout(left):
                    await send({"type": "http.response.body", "body": piece, "more_body": more or follows})
            except TimeoutError:
                raise ReadsTooSlowly from None
            left = min(stock, left - (clock() - began) + len(piece) / SLOWEST)


def _pieces(part: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each, and whether another follows."""
    if len(part) <= PIECE:
        yield part, False
        return
    for start in range(0, len(part), PIECE):
        yield part[start : start + PIECE], start + PIECE < len(part)
