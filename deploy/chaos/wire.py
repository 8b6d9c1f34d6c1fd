"""An HTTP/1.1 client that costs little: the load must not take the processor from what it loads.

In: a request. Out: its answer, whole. It sends nothing twice, follows nothing, and raises Broken or OSError when there
is no answer; a connection that is idle and closed is never chosen.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

_PATIENCE = 30.0  # seconds until an answer must be there, above every route's deadline
_PIECES = 5  # of a body that takes its time


class Broken(Exception):
    """The connection ended, or the time did, before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """`slowly`: seconds that the body takes to be sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    slowly: float = 0.0


class Sender(Protocol):
    """What carries a request."""

    async def send(self, request: Request) -> Answer:
        """Raises Broken or OSError."""


class Wire:
    """A Sender: connections to one place, "http://host:port", kept between requests."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "", place.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._exchange(request)
        except TimeoutError:
            raise Broken(f"no answer within {_PATIENCE:.0f} s") from None
        except asyncio.IncompleteReadError:
            raise Broken("the connection was closed") from None

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, request: Request) -> Answer:
        reader, writer = await self._connection()
        kept = False
        try:
            await self._write(writer, request)
            answer = await _read(reader)
            kept = answer.headers.get("connection") != "close"
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return answer

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)

    async def _write(self, writer: asyncio.StreamWriter, request: Request) -> None:
        headers = {"Host": f"{self._host}:{self._port}", **request.headers}
        if request.body or request.method == "POST":
            headers["Content-Length"] = str(len(request.body))
        lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        size = -(-len(request.body) // _PIECES) if request.slowly else max(1, len(request.body))
        for start in range(0, len(request.body), size):
            await asyncio.sleep(request.slowly / _PIECES)
            writer.write(request.body[start : start + size])
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    status = int(first.split(" ", 2)[1])
    return Answer(status, headers, await _body(reader, status, headers))


async def _body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        return b"".join(await _chunks(reader))
    if status in (204, 304):
        return b""
    return await reader.readexactly(int(headers.get("content-length", 0)))


async def _chunks(reader: asyncio.StreamReader) -> list[bytes]:
    found = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        found.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return found
