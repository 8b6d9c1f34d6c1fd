"""The load's own client against a server that answers in every way that one may."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.chaos import wire as wires
from deploy.chaos.wire import Broken, Request, Wire

ANSWERS = {
    "/length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "/nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/closing": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
    "/half": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
    "/none": b"",
}
CUT = ("/closing", "/half", "/none", "/last")


class Server:
    """What it received, and on how many connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.serving: set[asyncio.Task[None] | None] = set()
        self.bodies: list[bytes] = []
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.serving.add(asyncio.current_task())
        path = ""
        while path not in CUT and (head := await self._head(reader)):
            self.heads.append(head)
            path = head.split(" ")[1]
            size = next((int(line[16:]) for line in head.split("\r\n") if line.startswith("Content-Length: ")), 0)
            self.bodies.append(await reader.readexactly(size))
            writer.write(ANSWERS.get(path, ANSWERS["/length"]))
        writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> str:
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return ""


@pytest.fixture
def server() -> Server:
    """What the wire leads to."""
    return Server()


@pytest.fixture
async def wire(server: Server) -> AsyncIterator[Wire]:
    """Leads to the server."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    wire = Wire(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    async with listening:
        yield wire
        wire.close()
        await asyncio.gather(*filter(None, server.serving))


def get(path: str) -> Request:
    return Request("GET", path, {"X-B": "c"})


async def test_an_answer_comes_whole_however_its_end_is_told(wire: Wire) -> None:
    told = [await wire.send(get(path)) for path in ("/length", "/chunks", "/nothing", "/closing")]
    assert [(answer.status, answer.body) for answer in told] == [
        (200, b"hello"),
        (200, b"hello"),
        (204, b""),
        (200, b"hi"),
    ]
    assert told[0].headers["x-a"] == "b"


async def test_a_connection_is_used_again_unless_it_was_closed(wire: Wire, server: Server) -> None:
    for path in ("/length", "/chunks", "/length", "/closing", "/length"):
        await wire.send(get(path))
    assert server.connections == 2


async def test_one_that_was_closed_while_idle_is_not_chosen(wire: Wire, server: Server) -> None:
    await wire.send(get("/last"))
    [(reader, _)] = wire._idle
    assert await reader.read() == b""
    assert (await wire.send(get("/length"))).status == 200
    assert server.connections == 2


@pytest.mark.parametrize("path", ["/half", "/none"])
async def test_an_answer_that_ends_early_is_none_and_is_not_asked_for_again(
    wire: Wire, server: Server, path: str
) -> None:
    with pytest.raises(Broken, match="closed"):
        await wire.send(get(path))
    assert len(server.heads) == 1


async def test_a_body_goes_whole_in_one_piece_or_in_several(wire: Wire, server: Server) -> None:
    body = b"0123456789abc"
    for slowly in (0.0, 0.001):
        await wire.send(Request("POST", "/length", {}, body, slowly))
    await wire.send(Request("POST", "/length", {}))
    assert server.bodies == [body, body, b""]
    assert "Content-Length: 0" in server.heads[-1]


async def test_an_answer_that_does_not_come_in_time_is_none(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "_PATIENCE", 0.0)
    with pytest.raises(Broken, match="no answer within"):
        await wire.send(get("/length"))


async def test_nobody_there_is_an_error_of_the_system(unused_tcp_port: int) -> None:
    with pytest.raises(OSError, match=r"refused|failed"):
        await Wire(f"http://127.0.0.1:{unused_tcp_port}").send(get("/"))
