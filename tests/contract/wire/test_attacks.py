"""Nobody gets a request past the front door, or past a gateway, that it didn't mean: each attack, on both ways in."""

import asyncio
import re

import httpx
import msgspec
import pytest

from tests.contract.wire.attacks import HIDDEN, meant, refused
from tests.contract.wire.conftest import Door

ANSWERS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ")
NO = {b"400", b"417"}  # 417: what it expects can't be had
REFUSED, MEANT = dict(refused()), dict(meant())


async def said(door: Door, sent: bytes) -> bytes:
    """All that comes until the other side closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    said = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(30):
            while part := await reader.read(65_536):
                said += part
    except ConnectionError:  # closed while something that was sent was still unread
        pass
    finally:
        writer.close()
    return said


def echoed(inside: httpx.Client) -> int:
    """How many requests the function has read to their ends so far."""
    count: int = inside.get("/counts").json()["echoed"]
    return count


@pytest.mark.parametrize("attack", REFUSED)
async def test_what_has_two_meanings_reaches_no_function(door: Door, inside: httpx.Client, attack: str) -> None:
    """A gateway refuses and closes. nginx may also mend it: then there is one answer for each request that was made."""
    before = echoed(inside)
    answers = ANSWERS.findall(await said(door, REFUSED[attack]))
    asked = echoed(inside) - before
    if door.name == "gateway":
        assert (len(answers) <= 1, {*answers} <= NO, asked) == (True, True, 0)
    else:
        assert answers.count(b"200") == asked
        assert {*answers} <= {b"200", *NO}


async def test_a_length_beside_chunks_is_no_length(door: Door, inside: httpx.Client) -> None:
    """RFC 9112, section 6.1: refused, or the chunks count, and the connection ends with that request."""
    framed = b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 4"
    for lines in framed:
        before = echoed(inside)
        sent = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n\r\n0\r\n\r\n" + HIDDEN
        answers = ANSWERS.findall(await said(door, sent))
        assert (answers, echoed(inside) - before) == (([b"400"], 0) if door.name == "nginx" else ([b"200"], 1))


@pytest.mark.parametrize("oddity", MEANT)
async def test_what_has_one_meaning_arrives_in_one_form(door: Door, inside: httpx.Client, oddity: str) -> None:
    before = echoed(inside)
    received = await said(door, MEANT[oddity] + HIDDEN)
    assert ANSWERS.findall(received) == [b"200", b"200"]
    assert echoed(inside) - before == 2
    told = msgspec.json.decode(received[received.index(b"{") : received.index(b"}") + 1])
    names = [name for name, _ in told["headers"]]
    assert (told["target"], told["length"]) == ("/echo", 3)
    assert (names.count("host"), names.count("content-length") + names.count("transfer-encoding")) == (1, 1)
    assert not {"x-trailer", "trailer", "te", "expect", "upgrade"} & {*names}
