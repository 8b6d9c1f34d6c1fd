"""The client's side of an answer: its parts go out as fast as the client takes them, and no slower than a bound.

Whoever stops reading holds a connection to a function, and memory, that others wait for. So each client has some time
in stock: waiting for it uses that up, what it takes fills it up again. Waiting for the function costs nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import monotonic

from functions.gateway.exchange import Stream
from runtime.asgi import Send

STOCK = 10.0  # seconds for which a client may leave everything unread
SLOWEST = 16 * 1024  # bytes a second that it takes in the long run, beyond what the sockets' buffers hold
PIECE = 64 * 1024  # bytes that a server is given at once: it keeps a few pieces for each client that is slow


class ReadsTooSlowly(Exception):
    """The answer is cut off: its client took less than it must."""


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
