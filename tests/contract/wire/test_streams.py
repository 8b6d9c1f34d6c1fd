"""Streams through both ways in: a part arrives when it is sent, compressed or not, and nobody is taken for dead.

The function sends one part, and the other when it is told that the first has arrived; so what is held back is waited
for until the test's own time is up.
"""

import asyncio
import zlib

import httpx
import pytest

from tests.contract.functions.gateway.town import until
from tests.contract.wire.conftest import Door

KINDS = [b"text/event-stream", b"text/plain", b"application/json", b"application/x-ndjson", b"image/png"]


async def parts(reader: asyncio.StreamReader) -> bytes:
    """The next chunk's content, b"" at the end."""
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]


def counted(inside: httpx.Client) -> dict[str, int]:
    """What the function has counted so far."""
    counts: dict[str, int] = inside.get("/counts").json()
    return counts


class Reader:
    """The content of a chunked answer, as far as it has come."""

    def __init__(self, reader: asyncio.StreamReader, *, packed: bool) -> None:
        self._reader = reader
        self._unpacking = zlib.decompressobj(31) if packed else None
        self.got = b""

    async def until(self, end: bytes) -> bytes:
        """All of it up to `end`."""
        while not self.got.endswith(end):
            part = await parts(self._reader)
            assert part, "it has ended"
            self.got += self._unpacking.decompress(part) if self._unpacking else part
        return self.got


@pytest.mark.parametrize("coding", [b"", b"Accept-Encoding: gzip\r\n"], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_part_arrives_when_it_is_sent(door: Door, inside: httpx.Client, kind: bytes, coding: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET /events?" + kind + b" HTTP/1.1\r\nHost: a\r\n" + coding + b"\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = Reader(reader, packed=b"content-encoding: gzip" in head)
    assert await body.until(b"data: 1\n\n") == b"data: 1\n\n"
    await asyncio.to_thread(inside.get, "/release")
    assert await body.until(b"data: 2\n\n") == b"data: 1\n\ndata: 2\n\n"
    assert b"x-accel" not in head or door.name == "gateway"
    writer.close()


async def test_who_asks_for_what_others_are_being_sent_is_sent_it_too(door: Door, inside: httpx.Client) -> None:
    """Where an answer may be kept, they wait for it, but not for one that comes slowly, or never ends."""
    bodies, target = [], b"/events/kept?text/plain;" + door.name.encode()
    for _ in range(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        bodies.append((Reader(reader, packed=False), writer))
        assert await bodies[-1][0].until(b"data: 1\n\n")
    await asyncio.to_thread(inside.get, "/release")
    for body, writer in bodies:
        assert await body.until(b"data: 2\n\n") == b"data: 1\n\ndata: 2\n\n"
        writer.close()


async def test_what_says_its_length_is_compressed_as_before(front: int) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{front}/echo", headers={"X-Long": "a" * 2000})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["target"] == "/echo"


@pytest.mark.parametrize("path", [b"/hang", b"/stream"])
async def test_who_ends_its_side_of_the_connection_has_left(door: Door, inside: httpx.Client, path: bytes) -> None:
    """TCP tells the end of what a client sends, and not whether it still reads: what nobody waits for is ended."""
    before = counted(inside)

    async def begun() -> bool:
        return counted(inside)["hanging"] > before["hanging"]

    async def ended() -> bool:
        return counted(inside)["left"] > before["left"]

    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(begun)
    writer.write_eof()
    await until(ended)
    writer.close()
