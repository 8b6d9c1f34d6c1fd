"""What addresses say when they are asked whether they are ready: sockets that a test scripts, and real instances."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from functions.gateway.instances.ready import asking
from functions.gateway.stages.forward.client import Client
from tests.contract.functions.gateway.stages.forward.peer import Wire, answering, listening
from tests.contract.functions.gateway.town import ROOT, Served, manifest, until
from tests.ports import free_port

READY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
DRAINING = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
BROKEN = b"HTTP/9 what\r\n\r\n"


@contextmanager
def closing_at_the_end(process: Served) -> Iterator[Served]:
    try:
        yield process
    finally:
        process.kill()


async def silent(wire: Wire) -> None:
    await wire.gone()


@pytest.mark.parametrize(("answer", "said"), [(READY, True), (DRAINING, False), (BROKEN, None)])
async def test_an_answer_is_believed(answer: bytes, said: bool | None) -> None:  # noqa: FBT001  what is expected
    client = Client()
    async with listening(answering(answer)) as peer:
        assert await asking(client)(peer.instance) is said
        await client.close()


async def test_nobody_listens_so_it_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    client = Client()
    assert await asking(client)(address) is False
    assert not client.pools


async def test_silence_says_nothing() -> None:
    client = Client()
    async with listening(silent) as peer:
        assert await asking(client, patience=0.05)(peer.instance) is None
        await client.close()


async def test_who_asks_again_uses_the_same_connection() -> None:
    client = Client()
    async with listening(answering(READY, READY)) as peer:
        ask = asking(client)
        assert [await ask(peer.instance), await ask(peer.instance)] == [True, True]
        assert peer.accepted == 1
        await client.close()


@pytest.fixture
def told(tmp_path: Path, redis_url: str) -> dict[str, str]:
    """Of a function that has the one name that every resolver knows."""
    folder = tmp_path / "functions" / "things"
    folder.mkdir(parents=True)
    (folder / "function.toml").write_text(manifest("localhost"))
    folders = {"FUNCTIONS_DIR": str(tmp_path / "functions"), "KEY_SET": str(tmp_path / "keys")}
    return folders | {"REDIS_URL": redis_url, "INSTANCE": "one"}


async def test_a_gateway_takes_an_instance_in_when_it_is_ready_and_lets_it_go_when_it_leaves(
    told: dict[str, str],
) -> None:
    """Although DNS lists it all the time."""
    port = free_port()
    with closing_at_the_end(Served(ROOT / "functions" / "gateway", **told, DISCOVERY=f"dns:{port}")) as gateway:
        async with httpx.AsyncClient(timeout=30) as client:

            async def nobody() -> bool:
                answer = await client.get(f"{gateway.url}/echo")
                return answer.status_code == 502 and "No instance" in answer.json()["detail"]

            async def served() -> bool:
                return (await client.get(f"{gateway.url}/echo")).status_code == 200

            assert await nobody()
            thing = Served(Path(told["FUNCTIONS_DIR"]) / "things", **told, PORT=str(port), DRAIN_NOTICE="600")
            with closing_at_the_end(thing):
                await until(served)
                thing.stop()
                await until(nobody)
                assert (await client.get(f"http://127.0.0.1:{port}/echo")).status_code == 200
