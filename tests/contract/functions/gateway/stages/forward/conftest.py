"""The client under test and its oracle behind one small face, on asyncio's loop and on uvloop's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx
import pytest
import uvloop

from functions.gateway.exchange import Header, Receive
from functions.gateway.stages.forward import errors
from functions.gateway.stages.forward.client import Client, Timeouts
from functions.gateway.stages.forward.headers import incoming

PATIENT = Timeouts(connect=5.0, head=30.0, idle=30.0)
HASTY = Timeouts(connect=5.0, head=0.05, idle=0.05)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test here runs on both loops."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@dataclass(slots=True)
class Told:
    """An answer's head, and its content as it comes."""

    status: int
    headers: list[Header]
    read: Callable[[], AsyncIterator[bytes]]
    close: Callable[[], Awaitable[None]]

    async def content(self) -> bytes:
        """All of it."""
        return b"".join([part async for part in self.read()])


class Asking(Protocol):
    """What both clients can do, and how each of them calls its failures."""

    refused: type[Exception]
    broken: type[Exception]
    misbehaved: type[Exception]
    late: tuple[type[Exception], ...]

    async def ask(
        self,
        instance: str,
        method: bytes = b"GET",
        target: bytes = b"/",
        headers: tuple[Header, ...] = (),
        body: Receive | bytes = b"",
        length: int | None = 0,
    ) -> Told: ...

    async def close(self) -> None: ...


class Portico:
    """Our client."""

    refused = errors.ConnectFailed
    broken = errors.ConnectionBroken
    misbehaved = errors.Misbehaved
    late = (errors.HeadTimeout, errors.IdleTimeout)

    def __init__(self, timeouts: Timeouts) -> None:
        self.client = Client(timeouts)

    async def ask(
        self,
        instance: str,
        method: bytes = b"GET",
        target: bytes = b"/",
        headers: tuple[Header, ...] = (),
        body: Receive | bytes = b"",
        length: int | None = 0,
    ) -> Told:
        fields = [(b"host", instance.encode()), *headers]
        response = await self.client.send(instance, method, target, fields, body, length)

        async def read() -> AsyncIterator[bytes]:
            if response.content:
                yield response.content
            while response.stream is not None and (part := await response.stream.read()):
                yield part

        async def close() -> None:
            response.finish()

        return Told(response.status, response.headers, read, close)

    async def close(self) -> None:
        await self.client.close()


class Oracle:
    """The oracle is httpx, kept from changing anything."""

    refused = httpx.ConnectError
    broken = httpx.TransportError
    misbehaved = httpx.RemoteProtocolError
    late = (httpx.ReadTimeout,)

    def __init__(self, timeouts: Timeouts) -> None:
        times = httpx.Timeout(timeouts.head, connect=timeouts.connect)
        self.client = httpx.AsyncClient(timeout=times, trust_env=False)

    async def ask(
        self,
        instance: str,
        method: bytes = b"GET",
        target: bytes = b"/",
        headers: tuple[Header, ...] = (),
        body: Receive | bytes = b"",
        length: int | None = 0,
    ) -> Told:
        request = httpx.Request(
            method.decode(),
            f"http://{instance}/",
            headers=[(b"host", instance.encode()), *headers, *_framing(body, length)],
            content=body if isinstance(body, bytes) else _parts(body),
            extensions={**self.client.build_request("GET", "http://x").extensions, "target": target},
        )
        response = await self.client.send(request, stream=True)
        fields = [(name.lower(), value) for name, value in response.headers.raw]
        return Told(response.status_code, incoming(fields), response.aiter_raw, response.aclose)

    async def close(self) -> None:
        await self.client.aclose()


async def _parts(body: Receive) -> AsyncIterator[bytes]:
    while part := await body():
        yield part


def _framing(body: Receive | bytes, length: int | None) -> list[Header]:
    """A body that is called for is taken as chunked, unless the length is told."""
    return [(b"content-length", b"%d" % length)] if length and not isinstance(body, bytes) else []


@pytest.fixture(params=[Portico, Oracle])
async def asking(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    """Each client in turn, in no hurry."""
    client: Asking = request.param(PATIENT)
    yield client
    await client.close()


@pytest.fixture(params=[Portico, Oracle])
async def hasty(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    """Each client in turn, that gives up on a silent peer at once."""
    client: Asking = request.param(HASTY)
    yield client
    await client.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Our client, for what only it promises."""
    client = Client(PATIENT)
    yield client
    await client.close()


@pytest.fixture
async def impatient() -> AsyncIterator[Client]:
    """Our client, that gives up on a silent peer at once."""
    client = Client(HASTY)
    yield client
    await client.close()
