"""nginx as the local engine renders and runs it, before gateways that a test scripts byte by byte."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from deploy.engine import GATEWAY
from deploy.front import Front
from deploy.local import blocks, nginx, packages
from deploy.local.layout import Layout
from deploy.local.programs import nginx as program
from deploy.local.readiness import ready
from deploy.revisions import Revisions
from tests.ports import free_base

ROOT = Path(__file__).parents[3]
SPAN = blocks.span(blocks.assign({}, [GATEWAY]))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# What takes more of a body than nginx holds in memory.
LARGE = """
name = "large"
[app]
module = "large"
[[route]]
match = "PUT /x"
body = "64MiB"
[[route]]
match = "POST /large/{id}"
[[route]]
match = "POST /named/{id}"
[[route]]
match = "PUT /named/{key}"
body = "2MiB"
[[route]]
match = "POST /below/{all...}"
[[route]]
match = "POST /below/{one}/{two}"
body = "2MiB"
[[route]]
match = "POST /{name}/files"
"""
SIZES = 70  # routes whose bodies differ, more than there are statuses that nginx keeps for itself
LARGE += "".join(f'[[route]]\nmatch = "POST /sizes/{size}"\nbody = "{size}KiB"\n' for size in range(65, 65 + SIZES))

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Before(Layout):
    """A layout whose manifests are of the test."""

    @property
    def manifests(self) -> Path:
        return self.state / "functions"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["request_id"] == self.headers["x-request-id"]
        return document


@dataclass
class Gateway:
    """Listens on a slot, keeps what it was sent, and then does as its script says.

    It answers once on a connection, and says so, as a gateway that leaves does: nginx would send the next POST there.
    """

    script: bytes | Script
    received: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.received.append(head + await reader.readexactly(length))
        if isinstance(self.script, bytes):
            writer.write(self.script.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        else:
            await self.script(reader, writer)
        writer.close()


class FrontDoor:
    """A running nginx; `gateway` puts one behind it, `send` speaks to it in raw bytes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._servers: list[asyncio.Server] = []

    async def gateway(self, slot: int, script: bytes | Script = OK) -> Gateway:
        gateway = Gateway(script)
        await self.served(slot, gateway.serve)
        return gateway

    async def served(self, slot: int, by: Script) -> None:
        """A gateway that does as it likes with each connection, from its first byte on."""
        server = await asyncio.start_server(by, "127.0.0.1", self._layout.slot(GATEWAY, slot))
        self._servers.append(server)

    @contextmanager
    def shut(self, slot: int) -> Iterator[Callable[[], Awaitable[None]]]:
        """A gateway that is there and lets nobody in; gives what waits until somebody has knocked."""
        address = ("127.0.0.1", self._layout.slot(GATEWAY, slot))
        with socket.create_server(address, backlog=0), socket.create_connection(address):  # one fills the queue
            yield lambda: _knocked(address[1])

    async def open(
        self, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection from `address`, which is any of the loopback's."""
        port = self._layout.front.port if tls else self._layout.port
        return await asyncio.open_connection("127.0.0.1", port, ssl=tls, local_addr=(address, 0))

    @property
    def tls_port(self) -> int:
        return self._layout.front.port

    @property
    def certificate(self) -> Path:
        return self._layout.tls / "certificate.pem"

    async def send(self, request: bytes, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> Answer:
        reader, writer = await self.open(tls, address)
        writer.write(request)
        raw = await reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        writer.close()
        return Answer(int(first.split()[1]), headers, body)

    def close(self) -> None:
        for server in self._servers:
            server.close()


@pytest.fixture
def front() -> Front:
    """What the front door is told; a test may say otherwise."""
    return Front()


@pytest.fixture
async def door(tmp_path: Path, front: Front) -> AsyncIterator[FrontDoor]:
    """With every slot empty; ready when nginx listens."""
    base = free_base(SPAN)
    layout = Before(ROOT, tmp_path, base, front=replace(front, port=base + 9))
    layout.nginx.mkdir()
    (layout.manifests / "large").mkdir(parents=True)
    (layout.manifests / "large" / "function.toml").write_text(LARGE)
    revisions = Revisions(layout.revisions)
    revisions.serve(revisions.take(layout.manifests))
    nginx.render(layout)
    runs = program(layout, packages.require("nginx"), reachable=False)
    with (tmp_path / "access.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*runs.command, cwd=runs.directory, stdout=log)
    while not ready(runs):
        assert process.returncode is None, "nginx ended"
        await asyncio.sleep(0.01)
    door = FrontDoor(layout)
    yield door
    door.close()
    process.terminate()
    await process.wait()


async def logged(folder: Path) -> dict[str, str]:
    """The first line of the access log, once it is there."""
    while not (text := (folder / "access.log").read_text()):  # noqa: ASYNC110  nginx writes once a second, and tells nobody
        await asyncio.sleep(0.05)
    entry: dict[str, str] = json.loads(text.splitlines()[0])
    return entry


async def _knocked(port: int) -> None:
    """Returns when somebody waits for a connection to `port` (state 02, SYN_SENT)."""
    waiting = f":{port:04X} 02 "
    while waiting not in Path("/proc/net/tcp").read_text():  # noqa: ASYNC110, ASYNC240  the kernel tells nobody
        await asyncio.sleep(0.01)
