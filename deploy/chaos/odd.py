"""A service that others run, whose answers are none that it should give; and what a gateway makes of them.

`/odd/well` is answered well. A case is named by the path; what it gets is told by `CASES`.
"""

import asyncio
from collections.abc import Callable

from deploy.chaos.offences import KB, status

KIB = 1024
WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def headed(size: int) -> bytes:
    """An answer whose fields have `size` bytes, in lines of a kilobyte."""
    fields = b""
    while (left := size - len(fields) - len("Content-Length: 2\r\n")) > 0:
        fields += b"Set-Cookie: a" + b"=" * min(max(left - len("Set-Cookie: a\r\n"), 0), 1000) + b"\r\n"
    return _HEAD + fields + b"\r\nok"


def _redirect(target: bytes) -> bytes:
    """To a login, which quotes where one came from."""
    location = b"Location: https://login.example/?next=" + target.replace(b"/", b"%2F")
    return b"HTTP/1.1 302 Found\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n"


def _echo(target: bytes) -> bytes:
    return _HEAD + b"Link: <" + target + b'>; rel="next"\r\nVary: ' + target[-14 * KB :] + b"\r\n\r\nok"


# Of content that nobody can have; nginx counts in 63 bits.
LENGTHS = {
    "largest-": b"%d" % (2**63 - 1),
    "above-": b"%d" % 2**63,
    "far-above-": b"%d" % (2**64 - 1),
    "beyond-": b"%d" % 2**64,
    "zeros-": b"0" * 100 + b"2",
}
# What goes on the wire, and then the connection is closed.
CASES: dict[str, bytes | Callable[[bytes], bytes]] = {
    "cookies": _HEAD + b"Set-Cookie: a=b\r\n" * 2400 + b"\r\nok",
    **{f"head-{size}": headed(size) for size in range(30 * KIB, 34 * KIB, 256)},
    "head-70000": headed(70_000),
    "redirect": _redirect,
    "echo": _echo,
    "silent": b"",
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "status": b"HTTP/1.1 abc OK\r\n\r\n",
    "line": b"HTTP/1.1 2",
    "within": b"HTTP/1.1 200 OK\r\nX: a\r\nY",
    "nul": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "control": b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "delete": b"HTTP/1.1 200 OK\r\nX: a\x7fb\r\nContent-Length: 0\r\n\r\n",
    "cr": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "lf": b"HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n",
    "name": b"HTTP/1.1 200 OK\r\nX\x01Y: a\r\nContent-Length: 0\r\n\r\n",
    "nameless": b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 10_000,
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n",
    "lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    **{
        f"length-{name}{code}": b"HTTP/1.1 %d -\r\nContent-Length: %b\r\n\r\nok" % (code, said)
        for code in (200, 204, 206, 304)
        for name, said in LENGTHS.items()
    },
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "fields": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 2000 + b"Content-Length: 0\r\n\r\n",
    "empty-with-content": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "unmodified-with-content": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npart",
    "sizeless": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\npart",
    "twice": WELL + WELL,
    "steering": b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /health\r\nX-Accel-Limit-Rate: 1\r\nContent-Length: 2\r\n\r\nok",
    "singular": b"HTTP/1.1 200 OK\r\nDate: a\r\nDate: b\r\nETag: 1\r\nETag: 2\r\nContent-Length: 2\r\n\r\nok",
}


def amiss(said: bytes) -> str:
    """What is wrong with an answer of the gateway's, whatever its service did; "" when nothing is."""
    fields = said.partition(b"\r\n\r\n")[0].lower()
    if not 200 <= status(said) < 600:
        return f"no answer: {said[:100]!r}"
    if status(said) >= 500 and (b"\r\nproxy-status: portico;" not in fields or status(said) != 502):
        return f"not the gateway's: {said[-300:]!r}"
    return ""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request of a connection; a body is not read, as a service does that refuses it by its head."""
    try:
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        case = CASES.get(target.split(b"/")[2].decode(), WELL)
        writer.write(case if isinstance(case, bytes) else case(target))
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
