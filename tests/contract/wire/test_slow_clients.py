"""Two thousand clients at once that send or read as slowly as they can keep nobody out."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.contract.functions.gateway.town import Town, until
from tests.contract.wire.conftest import Door

MANY = 2000
SLOW = {
    "head": b"GET /echo HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "length": b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nonly this",
    "chunks": b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    "reading": b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
}


class Slow(asyncio.Protocol):
    """Sends what it has to send, and reads nothing."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        transport.write(self._sent)


@asynccontextmanager
async def slow_clients(port: int, sent: bytes) -> AsyncIterator[None]:
    """All of them, connected, for the length of the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * MANY)), hard))
    loop = asyncio.get_running_loop()
    transports: list[asyncio.BaseTransport] = []
    try:
        for _ in range(MANY // 50):  # in small crowds, as no queue of a listener takes them all
            made = [loop.create_connection(lambda: Slow(sent), "127.0.0.1", port) for _ in range(50)]
            transports += [transport for transport, _ in await asyncio.gather(*made)]
        yield
    finally:
        for transport in transports:
            transport.close()


@pytest.mark.parametrize("kind", SLOW)
async def test_they_keep_nobody_out(attacked: Town, door: Door, kind: str) -> None:
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")  # what one address may have at once is bounded
    async with slow_clients(door.port, SLOW[kind]), httpx.AsyncClient(timeout=30, transport=elsewhere) as client:

        async def served() -> bool:
            answer = await client.get(f"http://127.0.0.1:{door.port}/echo")
            return answer.status_code == 200

        await until(served)  # what they hold of the function, they hold for seconds: until a deadline, or their stock
    assert not any("Traceback" in line for line in attacked.gateway.log)
