"""A whole run against a stack of a hundred lines: an honest one passes, and one that breaks a promise does not."""

import itertools
import json
import sqlite3
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.backup.sqlite import Sqlite
from deploy.backup.store import Store
from deploy.chaos import run
from deploy.chaos.faults import FAULTS
from deploy.chaos.scene import EngineScene
from tests.unit.deploy.test_verbs import Still

SCHEMA = """
CREATE TABLE users (id TEXT, email_key TEXT);
CREATE TABLE products (sku TEXT, currency TEXT, stock BIGINT);
CREATE TABLE orders (id TEXT, user_id TEXT, status TEXT, created_at BIGINT);
CREATE TABLE order_items (order_id TEXT, sku TEXT, quantity BIGINT);
CREATE TABLE idempotency_keys (principal TEXT, key TEXT, outcome TEXT);
INSERT INTO products VALUES ('mug', 'EUR', 1000);
"""
FAR = 2**50  # milliseconds: no order is older than the run


class Stack:
    """The contract as far as a run asks for it. `forgets`: acknowledges one order that it doesn't keep."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.forgets = False
        self.fails = False
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        with closing(sqlite3.connect(file)) as database:
            database.executescript(SCHEMA)

    def answer(self, method: str, path: str, user: str, key: str, body: bytes) -> tuple[int, object]:
        if self.fails and path == "/users/me":
            return 502, {}
        if method == "GET":
            return 200, {}
        with self._lock, closing(sqlite3.connect(self.file)) as database, database:
            return 201, self._change(database, path, user, key, json.loads(body or b"{}"))

    def _change(
        self, database: sqlite3.Connection, path: str, user: str, key: str, asked: dict[str, str]
    ) -> dict[str, str]:
        made = f"id-{next(self._numbers)}"
        if path == "/users":
            database.execute("INSERT INTO users VALUES (?, ?)", (asked["email"], asked["email"]))
            return {"id": asked["email"]}
        if path == "/sessions":
            return {"access_token": asked["email"]}
        if path == "/orders":
            if self.forgets:
                self.forgets = False
                return {"id": made}
            outcome = json.dumps({"headers": [["location", f"/orders/{made}"]]})
            database.execute("INSERT INTO orders VALUES (?, ?, 'placed', ?)", (made, user, FAR))
            database.execute("INSERT INTO order_items VALUES (?, 'mug', 1)", (made,))
            database.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?)", (user, key, outcome))
            database.execute("UPDATE products SET stock = stock - 1")
            return {"id": made}
        self._settle(database, path)
        return {}

    def _settle(self, database: sqlite3.Connection, path: str) -> None:
        _, _, order, verb = path.split("/")
        status = {"pay": "paid", "cancel": "cancelled"}[verb]
        done = database.execute("UPDATE orders SET status = ? WHERE id = ?", (status, order)).rowcount
        database.execute("UPDATE products SET stock = stock + ?", (done * (verb == "cancel"),))


class Door(BaseHTTPRequestHandler):
    """HTTP in front of a Stack."""

    protocol_version = "HTTP/1.1"
    stack: ClassVar[Stack]

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        user = self.headers.get("Authorization", "").removeprefix("Bearer ")
        key = self.headers.get("Idempotency-Key", "")
        status, told = self.stack.answer(self.command, self.path, user, key, self.rfile.read(size))
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  the name is http.server's

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Refuses nobody who comes while a busy machine has it wait."""

    request_queue_size = 128


class Engine(Still):
    """Nothing but an address and a database."""

    def __init__(self, place: str, stack: Stack) -> None:
        super().__init__()
        self._place = place
        self._stores: dict[str, Store] = {name: Sqlite(stack.file) for name in ("orders", "users")}

    def stores(self) -> Mapping[str, Store]:
        return self._stores

    def address(self) -> str:
        return self._place


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """An honest one."""
    return Stack(tmp_path / "data.db")


@pytest.fixture
def engine(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """On which `nothing` is all that can happen."""
    monkeypatch.setattr(run, "_CALM", 0.05)
    monkeypatch.setattr(run, "chosen", lambda *_, **__: FAULTS[:1])
    monkeypatch.setattr(Door, "stack", stack, raising=False)
    with Server(("127.0.0.1", 0), Door) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield Engine(f"http://127.0.0.1:{server.server_address[1]}", stack)
        server.shutdown()
        serving.join()


def options() -> Namespace:
    parser = ArgumentParser()
    run.arguments(parser)
    return parser.parse_args(["--requests", "150", "--rate", "150"])


def go(engine: Engine, folder: Path) -> int:
    return run.main(engine, EngineScene(engine, lambda _: engine, folder), folder, options())


def test_an_honest_stack_passes_and_leaves_a_page(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(engine, tmp_path) == 0
    said = capsys.readouterr().out
    assert "each is in the databases, once" in said
    [page] = tmp_path.glob("*.html")
    assert str(page) in said
    assert "<svg" in page.read_text()


def test_what_a_run_took_is_in_stock_again(engine: Engine, stack: Stack, tmp_path: Path) -> None:
    assert go(engine, tmp_path) == 0
    with closing(sqlite3.connect(stack.file)) as database:
        assert database.execute("SELECT stock FROM products").fetchall() == [(1000,)]
        assert database.execute("SELECT count(*) FROM orders").fetchone() > (0,)


def test_an_order_that_was_acknowledged_and_is_not_there_is_told(
    engine: Engine, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.forgets = True
    assert go(engine, tmp_path) == 1
    assert "was acknowledged, and is there 0 times" in capsys.readouterr().out


def test_a_request_that_should_not_have_failed_is_told(
    engine: Engine, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.fails = True
    assert go(engine, tmp_path) == 1
    said = capsys.readouterr().out
    assert "nothing: " in said
    assert "GET /users/me: 502" in said
    assert "BROKEN" in said
