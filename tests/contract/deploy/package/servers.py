"""Whoever serves a package, for the same questions: Granian, what is shaped like Unit, and Unit where there is one."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from deploy.package import unit
from tests.contract.deploy.package.unpacked import PYTHON, UNITLIKE, Package
from tests.ports import free_port

Headers = Mapping[str, str]
UNITD = os.environ.get("UNITD", "")  # the path of a real one
_SERVERS_OWN = {"connection", "date", "server", "transfer-encoding"}  # what a server adds of itself


class Answer(NamedTuple):
    """What a client sees, but for what the server says of itself."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """Its value, or ""."""
        return dict(self.headers).get(name, "")

    def json(self) -> Any:  # noqa: ANN401  any JSON
        """What the body says."""
        return json.loads(self.body.encode("latin-1"))


class Server(Protocol):
    """Answers one request after the other."""

    def ask(self, method: str, target: str, headers: Headers, body: bytes) -> Answer: ...


class Socket:
    """A server at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in _sent(headers, body).items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            got = connection.getresponse()
            return _answer(got.status, got.getheaders(), got.read().decode("latin-1"))
        finally:
            connection.close()

    def until_ready(self, process: "subprocess.Popen[str]") -> None:
        """Returns when it answers so. Raises RuntimeError when it has ended."""
        while process.poll() is None:
            try:
                if self.ask("GET", "/readyz", {}, b"").status == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"ended with {process.returncode} before it was ready")


class Unitlike:
    """A process of unitlike.py."""

    def __init__(self, file: Path, lives: int = 1) -> None:
        command = [*PYTHON, str(UNITLIKE), "serve", str(file), str(lives)]
        self._process = subprocess.Popen(
            command, cwd="/", env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def hear(self) -> dict[str, Any]:
        """The next thing that it says; what it left on standard error, when it says no more."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        self.begin(method, target, headers, body)
        return self.answer()

    def begin(self, method: str, target: str, headers: Headers, body: bytes) -> None:
        """Asks, and waits for nothing."""
        host = {"Host": "127.0.0.1", **_sent(headers, body)}
        asked = {"method": method, "target": target, "headers": list(host.items()), "body": body.decode("latin-1")}
        self._say(json.dumps(asked))

    def answer(self) -> Answer:
        """The next one, which is whole."""
        said = self.hear()
        assert said["whole"], said
        return _answer(said["status"], said["headers"], said["body"])

    def end(self) -> None:
        """Ends a life, as a restart does; whoever is not answered yet is answered before it is over."""
        self._say("")

    def shut(self) -> list[str]:
        """Ends a life in which nobody waits for an answer; what went wrong in it."""
        self.end()
        faults: list[str] = self.hear()["faults"]
        return faults

    def close(self) -> tuple[int, str]:
        """Its exit code, and what it left on standard error."""
        assert self._process.stderr is not None
        said = self._process.stderr.read()
        return self._process.wait(), said

    def kill(self) -> None:
        """Harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


@contextmanager
def granian(package: Package, **environment: str) -> Iterator[Server]:
    """The package served by its own server."""
    port = free_port()
    told = {"PORT": str(port), "DRAIN_NOTICE": "0", "LOG_FORMAT": "json", **environment}
    with subprocess.Popen(
        [*PYTHON, str(package.home)], cwd="/", env=told, stdout=subprocess.DEVNULL, text=True
    ) as process:
        try:
            server = Socket(port)
            server.until_ready(process)
            yield server
        finally:
            process.kill()


@contextmanager
def process(file: Path, lives: int = 1) -> Iterator[Unitlike]:
    """A process of what is shaped like Unit, gone at the end."""
    server = Unitlike(file, lives)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def unitlike(file: Path) -> Iterator[Server]:
    """The package served by that; whatever went wrong unseen fails the test."""
    with process(file) as server:
        assert server.hear() == {"started": True}
        yield server
        faults = server.shut()
        assert not faults, faults


@contextmanager
def unitd(file: Path) -> Iterator[Server]:
    """The package served by a real Unit, which is told of it as docs/unit.md says."""
    told = json.loads(file.read_text())
    port = free_port()
    configuration = unit.configuration({"function": told}, 1024**2)
    configuration["listeners"] = {f"127.0.0.1:{port}": {"pass": "applications/function"}}
    with tempfile.TemporaryDirectory(prefix="unit-") as state:
        control = f"{state}/control"
        places = {"--control": f"unix:{control}", "--pid": f"{state}/pid", "--log": f"{state}/log", "--statedir": state}
        if os.geteuid() == 0:  # it would become somebody who may not read what a test has unpacked
            places |= {"--user": "root", "--group": "root"}
        command = [UNITD, "--no-daemon", *(word for pair in places.items() for word in pair)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        ) as process:
            try:
                _configure(control, configuration, process)
                server = Socket(port)
                server.until_ready(process)
                yield server
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # all of them: on SIGTERM unitd waits for what starts, for ever


def _configure(control: str, configuration: Mapping[str, Any], process: "subprocess.Popen[str]") -> None:
    body = json.dumps(configuration).encode()
    while not Path(control).exists():
        assert process.poll() is None, "unitd has ended"
        time.sleep(0.02)
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(control)
        connection = http.client.HTTPConnection("localhost")
        connection.sock = connected
        connection.request("PUT", "/config", body)
        got = connection.getresponse()
        assert got.status == 200, got.read().decode()


def _sent(headers: Headers, body: bytes) -> dict[str, str]:
    return {**headers, **({"Content-Length": str(len(body))} if body else {})}


def _answer(status: int, headers: list[tuple[str, str]] | list[list[str]], body: str) -> Answer:
    kept = sorted((name.lower(), value) for name, value in headers if name.lower() not in _SERVERS_OWN)
    return Answer(status, kept, body)
