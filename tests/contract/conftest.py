"""Servers of their own for contract tests: started when a test first asks, on a free port, gone at the end."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import containers
from tests.ports import free_port


class RedisServer:
    """A redis-server process that keeps nothing on disk: what starts again after an end is empty."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Returns when it accepts connections."""
        command = [redis_program(), "--port", str(self.port), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        raise RuntimeError(f"redis-server ended before it was ready:\n{''.join(said)}")

    def hang(self) -> None:
        """Stops answering; connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Goes on after hang()."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends at once, also when it hangs. Harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Redis that all tests share: use keys that nobody else does, and leave it running."""
    if containers.available():
        with containers.redis() as url:
            yield url
        return
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.kill()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis for one test, which may kill it, hang it or start it again."""
    server = RedisServer(tmp_path)
    yield server
    server.kill()


def redis_program() -> str:
    """The path of redis-server."""
    found = shutil.which("redis-server")
    if found is None:
        raise RuntimeError("redis-server is not on PATH; on Debian and Ubuntu the package `redis-server` brings it")
    return found
