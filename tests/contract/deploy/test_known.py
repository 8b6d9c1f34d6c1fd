"""A gateway's page of metrics, read as each engine reads it: over a socket, and by a program in its container."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.docker.metrics import pages
from deploy.local.programs import Program
from deploy.local.readiness import metrics

PAGE = 'portico_gateway_upstream_instances{function="users"} 2\n'
DOCKER = '#!/bin/sh\nshift 2\nexec "$@"\n'  # `docker exec ID …`, in a container that is this machine


class Told(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.path == "/metrics"
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Told)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield server.server_port
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_process_is_asked_on_its_port(port: int) -> None:
    assert metrics(Program("gateway-1", (sys.executable,), ("127.0.0.1", port), tier=3, ready="/readyz")) == PAGE


def test_a_container_is_asked_within_it(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # as Docker's own settings may put it there
    made = pages([{"Name": "/portico-gateway-1", "Id": "abc"}])
    assert made["portico-gateway-1"]().startswith(PAGE)
