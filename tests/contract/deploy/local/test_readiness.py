import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.engine import Refusal
from deploy.local.programs import Program
from deploy.local.readiness import ready, until_known, until_ready
from deploy.local.supervisor.client import Process

NOBODY = Program("users-1", (sys.executable,), ("127.0.0.1", 1), tier=2, ready="/readyz")


def failing(*starts: int) -> dict[str, Process]:
    return {str(start): Process("users-1", "backoff", 0, start, start) for start in starts}


def test_who_does_not_listen_is_not_ready() -> None:
    assert not ready(NOBODY)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("one\n\nthe settings are wrong\n\n", r" \(the settings are wrong\)"),
        ('{"event": "did not start", "level": "error"}\n', r" \(did not start\)"),
        ("", ""),
    ],
)
def test_who_ends_twice_is_told_with_its_last_words_and_where_to_read_on(
    tmp_path: Path, written: str, said: str
) -> None:
    log = tmp_path / "users-1.log"
    log.write_text(written)
    seen = iter([failing(1), failing(1), failing(3)])  # the second look is at the same end as the first
    with pytest.raises(Refusal, match=rf"^users-1 stopped right after its start{said}: read {log}\.$"):
        until_ready([NOBODY], lambda: next(seen), lambda name: tmp_path / f"{name}.log")
    assert not list(seen)


class Told(BaseHTTPRequestHandler):
    """A gateway that finds one more instance of users each time it is asked."""

    found = 0

    def do_GET(self) -> None:
        body = f'portico_gateway_endpoints_alive{{function="users"}} {Told.found}\n'.encode()
        Told.found += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def gateway() -> Iterator[Program]:
    Told.found = 0
    server = HTTPServer(("127.0.0.1", 0), Told)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield Program("gateway-1", (sys.executable,), ("127.0.0.1", server.server_port), tier=3, ready="/readyz")
    server.shutdown()
    serving.join()
    server.server_close()


def test_nothing_is_said_to_run_before_every_gateway_knows_it(gateway: Program) -> None:
    until_known([gateway], {"users": 2, "payments": 1})  # a gateway of before has no route to payments
    assert Told.found == 3


def test_a_gateway_that_is_gone_is_not_waited_for() -> None:
    until_known([NOBODY], {"users": 1})
