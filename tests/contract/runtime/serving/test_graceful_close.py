"""runtime/serving/graceful_close.py: real listeners, whose queue somebody stands in."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from runtime.serving.graceful_close import let_go, shut

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere the door stays open")


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as made:
        yield made


def visitor(listener: socket.socket) -> socket.socket:
    """Somebody who connects and says a word."""
    client = socket.create_connection(listener.getsockname()[:2], timeout=30)
    client.sendall(b"word")
    return client


async def heard(listener: socket.socket) -> bytes:
    server, _ = await asyncio.get_running_loop().run_in_executor(None, listener.accept)
    with server:
        return server.recv(16)


async def test_who_stands_before_the_door_is_let_in_and_nobody_else(listener: socket.socket) -> None:
    with visitor(listener), visitor(listener):
        shutting = asyncio.create_task(shut(listener.getsockname()[1], moment=0))
        assert [await heard(listener), await heard(listener)] == [b"word", b"word"]
        await shutting
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname()[:2], timeout=30)


async def test_it_is_not_shut_before_the_last_one_is_in(listener: socket.socket) -> None:
    with visitor(listener), visitor(listener):
        shutting = asyncio.create_task(shut(listener.getsockname()[1], moment=0))
        await heard(listener)
        await asyncio.wait({shutting}, timeout=0.05)
        assert not shutting.done()
        await heard(listener)
        await shutting


async def test_a_listener_that_is_closed_at_once_loses_who_waited(listener: socket.socket) -> None:
    """Why there is a door."""
    with visitor(listener) as lost:
        listener.close()
        with pytest.raises(ConnectionResetError):
            lost.recv(16)


async def test_a_server_that_takes_nobody_in_does_not_hold_the_end(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.serving.graceful_close._LOOKS", 3)
    with visitor(listener):
        await shut(listener.getsockname()[1], moment=0)


async def test_an_open_connection_is_not_touched(listener: socket.socket) -> None:
    with visitor(listener) as client:
        server, _ = listener.accept()
        with server:
            await shut(listener.getsockname()[1], moment=0)
            assert server.recv(16) == b"word"
            server.sendall(b"answer")
            assert client.recv(16) == b"answer"


async def test_other_doors_stay_open(listener: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        await shut(listener.getsockname()[1], moment=0)
        with visitor(other):
            assert await heard(other) == b"word"


async def test_a_port_where_nobody_listens_is_no_trouble() -> None:
    await shut(1, moment=0)


async def test_a_kernel_that_does_not_let_it_is_no_reason_to_fail(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.serving.graceful_close._BIND_TO_INTERFACE", 9999)
    await shut(listener.getsockname()[1], moment=0)
    with visitor(listener):
        assert await heard(listener) == b"word"


async def test_who_is_connected_is_waited_for_and_who_comes_later_is_not(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with visitor(listener) as first:
        server, _ = listener.accept()
        leaving = asyncio.create_task(let_go(port, least=0, most=600))
        await asyncio.wait({leaving}, timeout=0.1)
        assert not leaving.done()
        with visitor(listener), listener.accept()[0]:
            first.close()
            server.close()
            await leaving


async def test_who_does_not_let_go_is_waited_for_no_longer_than_was_said(listener: socket.socket) -> None:
    with visitor(listener), listener.accept()[0]:
        await let_go(listener.getsockname()[1], least=600, most=0.01)
