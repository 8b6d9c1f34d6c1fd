"""Instances that speak TLS: answered like any other, once they have shown a certificate of the name expected."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.forward.connection import Timeouts
from functions.gateway.stages.forward.errors import ConnectFailed, ConnectionBroken
from tests.authority import Authority
from tests.contract.functions.gateway.stages.forward.conftest import PATIENT
from tests.contract.functions.gateway.stages.forward.peer import Wire, answering, keeping, listening

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NAME = "legacy.example"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the client believes."""
    return Authority(tmp_path)


@pytest.fixture
async def believer(authority: Authority) -> AsyncIterator[Client]:
    """Our client, with nobody but that authority to believe."""
    client = Client(PATIENT, trust=lambda: ssl.create_default_context(cafile=str(authority.bundle)))
    yield client
    await client.close()


async def get(client: Client, instance: str, name: str = NAME) -> Response:
    return await client.send(f"https://{name}@{instance}", b"GET", b"/", [(b"host", NAME.encode())], b"", 0)


async def rest(response: Response) -> int:
    """How many bytes still came."""
    length = 0
    while response.stream and (part := await response.stream.read()):
        length += len(part)
    return length


async def test_a_connection_is_kept_and_used_again(believer: Client, authority: Authority) -> None:
    async with listening(keeping(HELLO, HELLO), tls=authority.server(NAME)) as peer:
        assert [(await get(believer, peer.instance)).content for _ in range(2)] == [b"hello", b"hello"]
        assert peer.accepted == 1
        await believer.close()


async def test_an_answer_comes_as_a_stream(believer: Client, authority: Authority) -> None:
    size = 4 * 1024**2
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with listening(keeping(whole), tls=authority.server(NAME)) as peer:
        response = await get(believer, peer.instance)
        assert len(response.content) + await rest(response) == size
        await believer.close()


async def test_an_answer_that_breaks_off_is_told(believer: Client, authority: Authority) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"
    async with listening(answering(cut), tls=authority.server(NAME)) as peer:
        response = await get(believer, peer.instance)
        with pytest.raises(ConnectionBroken):
            await rest(response)


async def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(
    believer: Client, authority: Authority
) -> None:
    async with listening(keeping(HELLO), tls=authority.server("other.example")) as peer:
        with pytest.raises(ConnectFailed, match="certificate") as raised:
            await get(believer, peer.instance)
        assert not raised.value.sent


async def test_a_certificate_of_an_unknown_authority_is_refused(believer: Client, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    async with listening(keeping(HELLO), tls=Authority(tmp_path / "stranger").server(NAME)) as peer:
        with pytest.raises(ConnectFailed, match="certificate"):
            await get(believer, peer.instance)


async def test_a_server_that_does_not_speak_tls_is_refused(believer: Client) -> None:
    async def plain(wire: Wire) -> None:
        await wire.reader.read(1)
        await wire.send(HELLO)

    async with listening(plain) as peer:
        with pytest.raises(ConnectFailed, match=r"(?i)wrong.version"):
            await get(believer, peer.instance)


async def test_a_server_that_says_nothing_is_not_waited_for(authority: Authority) -> None:
    client = Client(
        Timeouts(connect=0.05, head=30.0, idle=30.0),
        trust=lambda: ssl.create_default_context(cafile=str(authority.bundle)),
    )
    async with listening(Wire.gone) as peer:
        with pytest.raises(ConnectFailed, match="not connected in time"):
            await get(client, peer.instance)
    await client.close()
