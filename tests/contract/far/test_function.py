"""A gateway's connection to a function on a machine that dies, and to one that is alive and slow."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from functions.gateway.exchange import Receive, Response
from functions.gateway.stages.forward.client import Client, Timeouts
from functions.gateway.stages.forward.errors import ConnectFailed, ConnectionBroken, ConnectionStale
from runtime import silence
from tests.contract.functions.gateway.stages.forward.peer import Wire, answering, keeping, listening
from tests.far import Far, over_there

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"
SILENT = silence.QUIET + silence.AGAIN * silence.QUESTIONS + silence.UNACKNOWLEDGED  # seconds: longer than any of ours
GIVEN_UP = (ConnectionBroken, ConnectionStale)
SEVERAL_WINDOWS = 32 * 1024 * 1024


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """One that waits for longer than a test may take."""
    client = Client(Timeouts(connect=5.0, head=600.0, idle=600.0), idle_age=60.0)
    yield client
    await client.close()


async def ask(client: Client, instance: str, body: Receive | bytes = b"", length: int = 0) -> Response:
    return await client.send(instance, b"POST", b"/", [(b"host", b"x")], body, length)


def port(instance: str) -> int:
    return int(instance.rpartition(":")[2])


async def test_a_request_that_does_not_arrive_is_given_up(client: Client, far: Far) -> None:
    async with listening(keeping(HELLO)) as peer:
        with over_there(far, port(peer.instance)) as instance:
            assert (await ask(client, instance)).content == b"hello"
            far.pull()
            with pytest.raises(GIVEN_UP):
                await ask(client, instance)


@pytest.mark.parametrize("begun", [b"", BEGUN], ids=["before its head", "in its body"])
async def test_an_answer_that_stops_is_given_up(client: Client, far: Far, begun: bytes) -> None:
    arrived = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(begun)
        arrived.set()
        await wire.gone()

    async def read() -> None:
        response = await ask(client, instance)
        assert response.stream is not None
        while await response.stream.read():
            arrived.set()

    async with listening(script) as peer:
        with over_there(far, port(peer.instance)) as instance:
            asking = asyncio.create_task(read())
            await arrived.wait()
            if begun:
                await asyncio.sleep(0.1)  # its way here
            far.pull()
            with pytest.raises(GIVEN_UP):
                await asking


async def test_a_new_connection_is_not_waited_for(client: Client, far: Far) -> None:
    async with listening() as peer:
        with over_there(far, port(peer.instance)) as instance:
            far.pull()
            with pytest.raises(ConnectFailed):
                await ask(client, instance)


async def test_a_slow_answer_is_waited_for(client: Client, far: Far) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await asyncio.sleep(SILENT)  # that it takes so long is what this is about
        await wire.send(HELLO)

    async with listening(script) as peer:
        with over_there(far, port(peer.instance)) as instance:
            assert (await ask(client, instance)).content == b"hello"


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_is_there_and_does_not_read_is_waited_for(client: Client, far: Far, streamed: bool) -> None:  # noqa: FBT001  a row
    """Also on a connection that was used for little before, and the next on it is given up as usual."""

    async def script(wire: Wire) -> None:
        await answering(HELLO)(wire)
        await asyncio.sleep(SILENT)
        await keeping(HELLO, HELLO)(wire)

    parts = iter([bytes(SEVERAL_WINDOWS), b""])

    async def body() -> bytes:
        return next(parts)

    async with listening(script) as peer:
        with over_there(far, port(peer.instance)) as instance:
            await ask(client, instance)
            large = body if streamed else bytes(SEVERAL_WINDOWS)
            assert (await ask(client, instance, large, SEVERAL_WINDOWS)).content == b"hello"
            assert (await ask(client, instance)).content == b"hello"
            assert client.pools[instance].open == 1
            far.pull()
            with pytest.raises(GIVEN_UP):
                await ask(client, instance)
