"""Reads on what a caller still sends once it has its answer.

A server that closes a connection with something unread on it resets it: whoever is still writing may lose the answer,
and nginx counts a failure of the instance. So the rest is read and dropped, as far as the largest body goes, and for as
long as a caller who doesn't tarry needs. Who sends more, or more slowly, is cut off.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from runtime.asgi import Receive
from runtime.http.problem import Header
from runtime.http.sizes import LARGEST_BODY

PATIENCE = 5.0  # seconds


def announced(headers: Iterable[Header]) -> bool:
    """Whether there is a body. As RFC 9112, section 6.3, has it: what has no length and no coding has none."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


async def read_on(receive: Receive, most: int = LARGEST_BODY, patience: float = PATIENCE) -> None:
    """Returns at the end of the body, when its caller has gone, or when it takes more than `most` bytes or `patience`.

    It must be called before the application returns: what it has not read then, its server doesn't.
    """
    left, more = most, True
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
