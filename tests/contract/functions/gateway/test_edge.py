"""The bytes of an answer, read from a plain socket: streams, answers that are cut, targets and framing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from tests.contract.functions.gateway.town import Town

FRAMING = [b"content-length", b"transfer-encoding"]


@asynccontextmanager
async def connected(town: Town) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", town.gateway.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def head(reader: asyncio.StreamReader) -> list[bytes]:
    return (await reader.readuntil(b"\r\n\r\n")).lower().splitlines()


async def answered(town: Town, *lines: bytes, body: bytes = b"") -> tuple[bytes, bytes]:
    """The status line and the rest, of a request on a connection that is closed after it."""
    async with connected(town) as (reader, writer):
        writer.write(b"\r\n".join([*lines, b"host: a", b"connection: close", b"", body]))
        status, _, rest = (await reader.read()).partition(b"\r\n")
        return status, rest


async def echoed(town: Town, *lines: bytes, body: bytes = b"") -> dict[str, Any]:
    status, rest = await answered(town, *lines, body=body)
    assert status.startswith(b"HTTP/1.1 200"), rest
    told: dict[str, Any] = msgspec.json.decode(rest.partition(b"\r\n\r\n")[2])
    return told


@pytest.mark.parametrize(
    "target",
    [
        "/echo/%41%2d%7E",
        "/echo/a%20b+c",
        "/echo/%C3%A9?%C3%A9=%e9",
        "/echo/a;v=1,2!$&'()*:@",
        "/echo?",
        "/echo?a=b&a=&=c&%26==?/../%2e%2e//",
    ],
)
async def test_a_target_reaches_the_function_byte_for_byte(town: Town, target: str) -> None:
    told = await echoed(town, f"GET {target} HTTP/1.1".encode())
    assert told["target"] == target.removesuffix("?")


@pytest.mark.parametrize("target", [b"/echo/", b"/ECHO", b"/elsewhere"])
async def test_a_path_is_not_mended_to_fit_a_route(town: Town, target: bytes) -> None:
    assert (await answered(town, b"OPTIONS %b HTTP/1.1" % target))[0] == b"HTTP/1.1 404 Not Found"


async def test_a_target_may_name_the_gateway_itself(town: Town) -> None:
    assert (await echoed(town, b"GET http://front.door/echo?a HTTP/1.1"))["target"] == "/echo?a"


async def test_bytes_in_a_value_stay_what_they_are(town: Town) -> None:
    told = await echoed(town, b"GET /echo HTTP/1.1", b"x-odd: \xff\xe9 ,\ttab")
    assert ["x-odd", "\xff\xe9 ,\ttab"] in told["headers"]


@pytest.mark.parametrize(
    "name", [b"X-Request-Id", b"X-Deadline-Ms", b"Forwarded", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Real-Ip"]
)
async def test_what_only_the_gateway_may_say_is_taken_out_under_every_spelling(town: Town, name: bytes) -> None:
    low, mixed = name.replace(b"-", b"_"), name.replace(b"-", b"_", 1)
    spelled = [name, name, name.upper(), name.lower(), low, low.upper(), mixed]
    named = b"Connection: close, " + b", ".join(spelled)
    told = await echoed(town, b"GET /echo HTTP/1.1", *(each + b": spoofed" for each in spelled), named)
    fields = [(field.lower().replace("_", "-"), value) for field, value in told["headers"]]
    assert "spoofed" not in [value for _, value in fields]
    assert len([field for field, _ in fields if field == name.decode().lower()]) <= 1


async def test_two_lengths_never_reach_a_function(town: Town) -> None:
    lines = [b"POST /echo HTTP/1.1", b"content-length: 3", b"transfer-encoding: chunked"]
    told = await echoed(town, *lines, body=b"4\r\nabcd\r\n0\r\n\r\n")
    framing = [name for name, _ in told["headers"] if name.encode() in FRAMING]
    assert (framing, told["length"]) == (["transfer-encoding"], 4)


async def test_lengths_that_differ_are_refused(town: Town) -> None:
    status, _ = await answered(town, b"POST /echo HTTP/1.1", b"content-length: 3", b"content-length: 4", body=b"abcd")
    assert status == b"HTTP/1.1 400 Bad Request"


async def test_a_refusal_has_no_body_when_only_its_head_was_asked_for(town: Town) -> None:
    status, rest = await answered(town, b"HEAD /elsewhere HTTP/1.1")
    assert status == b"HTTP/1.1 404 Not Found"
    assert rest.endswith(b"\r\n\r\n")


async def test_a_connection_serves_one_request_after_another(town: Town) -> None:
    async with connected(town) as (reader, writer):
        for _ in range(2):
            writer.write(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc")
            lines = await head(reader)
            assert lines[0] == b"http/1.1 200 ok"
            (length,) = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")]
            assert msgspec.json.decode(await reader.readexactly(length))["length"] == 3


async def test_who_expects_to_be_asked_for_the_body_is_asked(town: Town) -> None:
    async with connected(town) as (reader, writer):
        writer.write(b"PUT /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
        assert await head(reader) == [b"http/1.1 100 continue", b""]
        writer.write(b"abc")
        assert (await head(reader))[0] == b"http/1.1 200 ok"


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(town: Town) -> None:
    async with connected(town) as (reader, writer):
        writer.write(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\nexpect: 100-continue\r\n\r\n")
        assert (await head(reader))[0] == b"http/1.1 413 payload too large"


async def test_events_arrive_as_they_are_sent(town: Town, inside: httpx.AsyncClient) -> None:
    async with connected(town) as (reader, writer):
        writer.write(b"GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
        lines = await head(reader)
        assert b"content-type: text/event-stream" in lines
        assert b"x-accel-buffering: no" in lines
        assert await reader.readuntil(b"\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
        await inside.get("/release")
        assert await reader.readuntil(b"0\r\n\r\n") == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"


@pytest.mark.parametrize("path", ["sized", "chunked"])
async def test_an_answer_that_breaks_in_the_middle_is_seen_to_be_cut(town: Town, path: str) -> None:
    """Neither a last chunk nor the promised length: the connection ends instead."""
    async with connected(town) as (reader, writer):
        writer.write(f"GET /{path} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await head(reader)
        content = await reader.read()
    assert content == {"sized": b"first", "chunked": b"5\r\nfirst\r\n"}[path]


@pytest.mark.parametrize("path", ["/sized", "/chunked"])
async def test_a_cut_answer_is_an_error_to_a_client(client: httpx.AsyncClient, path: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(path)
