"""A client that leaves: what was done for it ends at once, in the function too."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.contract.functions.gateway.town import Town, until

Count = Callable[[str], Awaitable[int]]

PART = b"x" * 65536


@pytest.fixture
def count(inside: httpx.AsyncClient) -> Count:
    """What the function counts, asked of it past the gateway."""

    async def counted(name: str) -> int:
        number: int = (await inside.get("/counts")).json()[name]
        return number

    return counted


async def connected(town: Town, *lines: bytes, body: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", town.gateway.port)
    writer.write(b"\r\n".join([*lines, b"host: a", b"", body]))
    return reader, writer


async def left_by(count: Count, writer: asyncio.StreamWriter, before: int) -> None:
    """The client goes without a word; the function sees it go."""
    writer.transport.abort()
    await until(lambda: has(count, "left", before + 1))


async def has(count: Count, name: str, least: int) -> bool:
    return await count(name) >= least


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([b"GET /hang HTTP/1.1"], b""),
        ([b"POST /hang HTTP/1.1", b"content-length: 3"], b"abc"),
        ([b"POST /hang HTTP/1.1", b"transfer-encoding: chunked"], b"3\r\nabc\r\n0\r\n\r\n"),
    ],
    ids=["get", "a body of known length", "a chunked body"],
)
async def test_while_it_waits_for_an_answer(town: Town, count: Count, lines: list[bytes], body: bytes) -> None:
    hanging, left = await count("hanging"), await count("left")
    _, writer = await connected(town, *lines, body=body)
    await until(lambda: has(count, "hanging", hanging + 1))
    await left_by(count, writer, left)
    assert await count("hanging") == hanging


async def test_while_it_gets_an_answer_without_an_end(town: Town, count: Count) -> None:
    left = await count("left")
    reader, writer = await connected(town, b"GET /stream HTTP/1.1")
    await reader.readuntil(b"more")
    await left_by(count, writer, left)


async def test_while_it_gets_an_answer_to_a_body_that_it_has_not_sent_yet(town: Town, count: Count) -> None:
    left = await count("left")
    reader, writer = await connected(town, b"POST /stream HTTP/1.1", b"content-length: 500000", body=b"a little")
    await reader.readuntil(b"more")
    await left_by(count, writer, left)


@pytest.mark.parametrize("framing", [b"content-length: 10000000", b"transfer-encoding: chunked"])
async def test_while_it_uploads(town: Town, count: Count, framing: bytes) -> None:
    left = await count("left")
    part = PART if b"length" in framing else b"%x\r\n%b\r\n" % (len(PART), PART)
    _, writer = await connected(town, b"PUT /upload HTTP/1.1", framing, body=part)
    await until(lambda: has(count, "read", len(PART)))
    await left_by(count, writer, left)


async def test_a_client_that_stays_is_not_taken_for_gone(client: httpx.AsyncClient) -> None:
    """Long enough for the gateway to have begun to ask whether it is still there."""
    assert (await client.get("/hang/a/moment")).status_code == 504
