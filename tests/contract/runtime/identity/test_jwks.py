"""Keys over HTTP, from a real server: what is not a whole, good answer in time is an OSError."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from runtime.http.problem import Problem
from runtime.identity import jwks
from runtime.identity.jwks import from_url
from runtime.identity.verifier import Verifier

DOCUMENT = b'{"keys":[]}'


class Peer:
    """Says `reply` to the first request on every connection, then closes; with None it says nothing at all."""

    def __init__(self) -> None:
        self.reply: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(DOCUMENT), DOCUMENT)
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/.well-known/jwks.json"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Harmless when called again."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in (self._listener, *self._open):
            connection.close()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.asked.append(connection.recv(65536))
                if self.reply is not None:
                    connection.sendall(self.reply)
                    connection.close()
        except OSError:
            return  # closed


@pytest.fixture
def peer() -> Iterator[Peer]:
    served = Peer()
    yield served
    served.close()


async def test_the_set_comes_as_it_was_sent(peer: Peer) -> None:
    assert await from_url(peer.url)() == DOCUMENT
    assert peer.asked[0].startswith(b"GET /.well-known/jwks.json HTTP/1.1\r\n")


async def test_nothing_is_asked_before_the_first_token(peer: Peer) -> None:
    from_url(peer.url)
    assert peer.asked == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "hTTp_pRoXy"])
def test_a_proxy_of_the_environment_is_not_asked_for_keys(peer: Peer, name: str) -> None:
    """In a process of its own: what the environment says is read once."""
    code = f"import asyncio; from runtime.identity.jwks import from_url; print(asyncio.run(from_url({peer.url!r})()))"
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environment[name] = "http://127.0.0.1:1"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == f"{DOCUMENT!r}\n", done.stderr


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
    ],
)
async def test_an_answer_that_is_not_a_whole_200_is_an_oserror(peer: Peer, reply: bytes) -> None:
    peer.reply = reply
    with pytest.raises(OSError):  # noqa: PT011  any of its family will do
        await from_url(peer.url)()


async def test_a_peer_that_says_nothing_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "PATIENCE", 0.05)
    peer.reply = None
    with pytest.raises(OSError, match="timed out"):
        await from_url(peer.url)()


async def test_without_a_peer_a_token_is_answered_by_503_and_not_by_401(peer: Peer) -> None:
    peer.close()
    verifier = Verifier(from_url(peer.url), issuer="portico", audience="portico")
    with pytest.raises(Problem) as refused:
        await verifier.verify(f"eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.e30.{'A' * 86}")  # well-formed, as strangers send it
    assert refused.value.kind.slug == "keys-unavailable"


async def test_an_answer_without_an_end_is_given_up(peer: Peer) -> None:
    peer.reply = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (jwks.LARGEST + 1)
    with pytest.raises(OSError, match="too long"):
        await from_url(peer.url)()


async def test_an_answer_that_drips_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "LONGEST", 0.0)
    with pytest.raises(OSError, match="too slow"):
        await from_url(peer.url)()
