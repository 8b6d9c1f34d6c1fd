"""What nginx counts as a failure of a gateway, all of it: no such request, and no such answer, is felt by anybody else.

Read in ngx_http_upstream.c: a peer has failed when `ngx_http_upstream_next` is called for it, but for two statuses that
nobody asks for here; and not when a request is ended in any other way. `COUNTED` and `NOT_COUNTED` are that list.
Gateways answer such requests properly (tests/contract/wire); here they do not, and still nobody else may see it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.nginx.conftest import FrontDoor, Script

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ODD = b"/odd"
GET = b"GET /products HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
BODY = 60_000  # bytes that no socket's buffers hold at once

Does = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


def says(answer: bytes) -> Does:
    """And closes."""
    return lambda _, writer: writer.write(answer)


def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes with what was sent unread, as a server does that refuses a request by its head."""
    writer.transport.abort()


COUNTED = {
    "it closes before it answers": says(b""),
    "it resets the connection": resets,
    "it closes within the status line": says(b"HTTP/1.1 20"),
    "it closes within a head": says(b"HTTP/1.1 200 OK\r\nX: "),
    "a head that is larger than the buffer": says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"),
    "many fields that are": says(b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 2_500 + b"\r\n"),
    "a NUL in a field": says(b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n"),
    "a CR in a field": says(b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"),
    "a control in a field's name": says(b"HTTP/1.1 200 OK\r\nX\x01Y: a\r\n\r\n"),
    "a field without a name": says(b"HTTP/1.1 200 OK\r\n: a\r\n\r\n"),
}
NOT_COUNTED = {
    "an answer of 502": says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"),
    "an answer of 503": says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"),
    "an answer that is cut": says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
    "a chunk that is cut": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npart"),
    "chunks that are broken": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\npart"),
    "an answer without a head": says(b"no HTTP at all"),
    "more than was announced": says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"),
}


def moody(does: Does) -> "Script":
    """A gateway that is well, but for requests to `ODD`: it reads the heads of those, and `does` that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.split(b" ")[1] == ODD:
                    does(reader, writer)
                    break
                if b"POST" in head[:5]:
                    await reader.readexactly(4)
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return serve


def odd(method: bytes) -> bytes:
    body = b"x" * BODY if method == b"POST" else b""
    fields = b"Host: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    return method + b" " + ODD + b" HTTP/1.1\r\n" + fields + body


async def asks(door: "FrontDoor", request: bytes) -> None:
    """One request of whom the gateways answer badly; what it gets is not looked at, but that it gets an end."""
    reader, writer = await door.open()
    writer.write(request)
    try:
        await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("gateways", [1, 4])
@pytest.mark.parametrize("method", [b"GET", b"POST"], ids=["GET", "POST"])
@pytest.mark.parametrize("does", [*COUNTED.values(), *NOT_COUNTED.values()], ids=[*COUNTED, *NOT_COUNTED])
async def test_one_request_is_felt_by_nobody_else(door: "FrontDoor", does: Does, method: bytes, gateways: int) -> None:
    for slot in range(1, gateways + 1):
        await door.served(slot, moody(does))
    seen = []
    for _ in range(2 * gateways):  # each fails twice, which is when nginx leaves it alone
        await asyncio.gather(*(asks(door, odd(method)) for _ in range(2)))
        seen += await asyncio.gather(*(door.send(request) for request in (GET, POST, GET)))
    assert [answer.status for answer in seen] == [200] * len(seen)


@pytest.mark.parametrize("gateways", [1, 4])
async def test_nor_are_clients_that_leave(door: "FrontDoor", gateways: int) -> None:
    for slot in range(1, gateways + 1):
        await door.served(slot, moody(lambda *_: None))
    seen = []
    for _ in range(4 * gateways):
        _, writer = await door.open()
        writer.write(odd(b"POST")[: BODY // 2])
        writer.transport.abort()
        seen += await asyncio.gather(*(door.send(request) for request in (GET, POST, GET)))
    assert [answer.status for answer in seen] == [200] * len(seen)
