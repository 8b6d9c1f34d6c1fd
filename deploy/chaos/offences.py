"""Requests that one client may send again and again without anybody else feeling it, and what each is answered.

In: nothing. Out: bytes for routes that every stack has, and how to send them. Each was once 502 for others: nginx took
a gateway for broken that had closed with a body unread, or had answered with a head that is longer than nginx reads.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

_PIECES, _PAUSE = 4, 0.1  # of what is sent slowly; seconds between two
KB = 1000
_FIRST = b"HTTP/1.1 "


@dataclass(frozen=True, slots=True)
class Offence:
    """`right`: the status of its answer, the same one every time."""

    name: str
    sent: bytes
    right: int
    slowly: bool = False


def sized(line: bytes, body: bytes, *fields: bytes) -> bytes:
    """A request that ends its connection; `line` is a method and a target."""
    return head(line, *fields, b"Content-Length: %d" % len(body)) + body


def chunked(line: bytes, body: bytes, *fields: bytes) -> bytes:
    """The same, without a length."""
    chunks = (body[start : start + 4096] for start in range(0, len(body), 4096))
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head(line, *fields, b"Transfer-Encoding: chunked") + framed + b"0\r\n\r\n"


def head(line: bytes, *fields: bytes) -> bytes:
    """One without a body."""
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: a", b"Connection: close", *fields, b"", b""])


def preflight(names: bytes, target: bytes = b"/products", origin: bytes = b"https://a.example") -> bytes:
    """Asks three times, as no line is longer than nginx takes, whether a page may send these headers."""
    asked = b"Access-Control-Request-Headers: " + names
    page = (b"Origin: " + origin, b"Access-Control-Request-Method: GET")
    return head(b"OPTIONS " + target, *page, asked, asked, asked)


async def answer(offence: Offence, host: str, port: int, patience: float = 30.0) -> bytes:
    """All that comes back. Raises OSError, and TimeoutError when nothing ends it within `patience` seconds."""
    async with asyncio.timeout(patience):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writing = asyncio.create_task(_write(writer, offence))
            said = await reader.read()
            writing.cancel()
            return said
        finally:
            writer.close()


def status(said: bytes) -> int:
    """Of an answer, past what is only interim; 0 where there is none."""
    while said.startswith(_FIRST + b"1"):
        _, _, said = said.partition(b"\r\n\r\n")
    return int(said[len(_FIRST) :][:3]) if said.startswith(_FIRST) else 0


async def _write(writer: asyncio.StreamWriter, offence: Offence) -> None:
    """In one go, or in a few; who is answered before the end of it may find the connection closed."""
    size = -(-len(offence.sent) // _PIECES) if offence.slowly else len(offence.sent)
    try:
        for start in range(0, len(offence.sent), size):
            writer.write(offence.sent[start : start + size])
            await writer.drain()
            await asyncio.sleep(_PAUSE if offence.slowly else 0)
    except ConnectionError:
        return


def _bodies() -> Iterator[Offence]:
    """More than the route takes, or a body where none is wanted; above 64 KiB it is nginx that refuses."""
    for line, refused in (
        (b"POST /users", 413),
        (b"POST /orders", 401),
        (b"POST /products", 405),
        (b"POST /nowhere", 404),
        (b"POST /nowhere/%2e%2e", 400),
        (b"POST /livez", 200),
    ):
        for size in (20 * KB, 60 * KB, 100 * KB, 1000 * KB, 2100 * KB):
            right = refused if size < 64 * KB else 413
            for framing in (sized, chunked):
                name = f"{line.decode()} of {size // KB} kB, {framing.__name__}"
                yield Offence(name, framing(line, bytes(size)), right)
        slow = sized(line, bytes(60 * KB))
        yield Offence(f"{line.decode()} of 60 kB, slowly", slow, refused, slowly=True)
        yield Offence(f"{line.decode()}, expected", sized(line, bytes(60 * KB), b"Expect: 100-continue"), refused)


def _heads() -> Iterator[Offence]:
    """What is echoed, and heads about as long as they may be."""
    yield Offence("a preflight of 42 kB", preflight(b",".join([b"if-match"] * 1500)), 204)
    yield Offence("one that is refused", preflight(b",".join(b"x-%05d" % number for number in range(1700))), 403)
    yield Offence("one of a long name", preflight(b"x" * 14 * KB), 403)
    yield Offence("fields of 45 kB", head(b"GET /nowhere", *(b"X-%d: " % n + b"x" * 15 * KB for n in range(3))), 404)
    yield Offence("a target of 13 kB", head(b"GET /nowhere/" + b"a" * 13 * KB), 404)
    yield Offence("a query of 13 kB", head(b"GET /nowhere?" + b"a" * 13 * KB), 404)


OFFENCES = (*_bodies(), *_heads())
