"""A server that plays scripts, one per connection, byte for byte: the other side of every test here.

In: scripts. Out: an address, and what each script was told. It never sleeps: scripts wait for bytes, or for events.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: its head's bytes, and its content without framing."""

    head: bytes
    content: bytes

    @property
    def line(self) -> bytes:
        """Method, target and version."""
        return self.head.partition(b"\r\n")[0]

    @property
    def fields(self) -> list[bytes]:
        """The other lines of the head."""
        return self.head.split(b"\r\n")[1:-2]


class Wire:
    """One connection, seen from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> Asked:
        """Reads one request whole."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        if b"transfer-encoding: chunked" in lines:
            return Asked(head, await self._chunks())
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        return Asked(head, await self.reader.readexactly(length))

    async def send(self, data: bytes) -> None:
        """Sends bytes; returns when the system has taken nearly all of them."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Breaks the connection off with a RST."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    async def _chunks(self) -> bytes:
        content = b""
        while size := int(await self.reader.readline(), 16):
            content += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return content


Script = Callable[[Wire], Awaitable[None]]


class Peer:
    """A listening server; connection number n is played by script number n, and then closed."""

    def __init__(self, scripts: tuple[Script, ...]) -> None:
        self._scripts = list(scripts)
        self._playing: set[asyncio.Task[None]] = set()
        self.instance = ""
        self.accepted = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Plays the next script."""
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._playing.add(task)
        try:
            await self._scripts[self.accepted - 1](Wire(reader, writer))
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went, or the test ended: what a test expects of the client, it asserts on the client
        finally:
            self._playing.discard(task)
            writer.close()

    async def stop(self) -> None:
        """Ends the scripts that still run."""
        playing = list(self._playing)
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


@asynccontextmanager
async def listening(*scripts: Script, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Peer]:
    """A peer for the length of the block, on a free port unless it is told one."""
    peer = Peer(scripts)
    server = await asyncio.start_server(peer.play, "127.0.0.1", port, ssl=tls)
    peer.instance = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        await peer.stop()


def answering(*answers: bytes) -> Script:
    """Reads a request and sends an answer, for each of them; then closes."""

    async def script(wire: Wire) -> None:
        for answer in answers:
            await wire.request()
            await wire.send(answer)

    return script


def keeping(*answers: bytes) -> Script:
    """The same, but the connection stays open until the client closes it."""

    async def script(wire: Wire) -> None:
        await answering(*answers)(wire)
        await wire.gone()

    return script
