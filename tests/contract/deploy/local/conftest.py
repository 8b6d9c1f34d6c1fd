"""A checkout of the smallest functions there can be: they answer who they are, and stop when told to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import blocks
from deploy.local.engine import LocalEngine
from tests.ports import free_base

ROOT = Path(__file__).parents[4]
SPAN = blocks.span(blocks.assign({}, ["gateway", "users"]))

SERVE = """
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


def take_in(place, instance):
    served = os.readlink(Path(os.environ["MANIFESTS_DIR"], "current"))
    Path(place, f"{instance}.sock").unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{place}/{instance}.sock")
    listener.listen()
    while True:
        prepared = ""
        with listener.accept()[0] as connection:
            for line in connection.makefile():
                words = line.split()
                if words[0] == "prepare":
                    prepared = words[1]
                if words[0] == "take":
                    served = prepared
                connection.sendall(json.dumps({"revision": served}).encode() + b"\\n")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"dependencies": {}}' if self.path == "/health" else os.environ["INSTANCE"].encode()
        self.send_response(500 if Path(sys.argv[1], "wrong").exists() and self.path == "/smoke" else 200)
        self.send_header("X-Instance", os.environ["INSTANCE"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


if Path(sys.argv[1], "broken").exists():
    sys.exit("the settings are wrong")
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if os.environ.get("CONTROL_DIR"):
    Thread(target=take_in, args=(os.environ["CONTROL_DIR"], os.environ["INSTANCE"]), daemon=True).start()
print('{"event": "ready"}', flush=True)
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answer).serve_forever()
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Two functions, the real nginx/, and a server of thirty lines; a space in its path does no harm."""
    root = tmp_path / "a checkout"
    for name in ("gateway", "users"):
        folder = root / "functions" / name
        folder.mkdir(parents=True)
        smoke = 'smoke = "/smoke"' if name == "users" else ""
        (folder / "function.toml").write_text(f'name = "{name}"\n{smoke}\n[app]\nmodule = "it"\n')
    shutil.copytree(ROOT / "nginx", root / "nginx")
    shutil.copytree(ROOT / "runtime", root / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "runtime/serving/serve.py").write_text(SERVE)
    return root


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A place of its own: a short folder for sockets, and a range of ports that are free."""
    with tempfile.TemporaryDirectory(prefix="portico-") as state:
        yield {"PORTICO_STATE": state, "PORT": str(free_base(SPAN))}


@pytest.fixture
def engine(checkout: Path, environment: dict[str, str]) -> Iterator[LocalEngine]:
    """Stops whatever a test left running."""
    engine = LocalEngine(checkout, environment, say=lambda _: None)
    yield engine
    LocalEngine(checkout, environment, say=lambda _: None).down(data=False)
