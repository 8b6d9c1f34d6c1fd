"""A function of one's own: made by a verb, edited, called through the front door, tested, and taken away again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, ignore_patterns
from threading import Thread

import httpx
import pytest

from tests.e2e.people import log_in
from tests.e2e.stack import ROOT, Stack, stack_of

LEFT_BEHIND = ignore_patterns(".*", "__pycache__", "results")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project, for the test to change."""
    copy = copytree(ROOT, tmp_path / "portico", ignore=LEFT_BEHIND)
    (copy / ".dockerignore").write_bytes((ROOT / ".dockerignore").read_bytes())
    return copy


class Legacy(BaseHTTPRequestHandler):
    """A service of somebody else's, that knows nothing of this project."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        told = json.dumps({"path": self.path, "host": self.headers["Host"], "for": self.headers["X-Forwarded-For"]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def legacy(stack: Stack) -> Iterator[str]:
    """Where gateways reach that service: its host and port."""
    server = ThreadingHTTPServer(("", 0), Legacy)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield f"{'host.docker.internal' if stack.engine == 'docker' else 'localhost'}:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def other(stack: Stack, checkout: Path, short_folder: str) -> Iterator[Stack]:
    """What the changed project is run as."""
    with stack_of(checkout, stack, Path(short_folder)) as other:
        yield other


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def run_pytest(root: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    """A run of the project's tests at these paths."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def refused_as_long_as_it_is_faulty(other: Stack, manifest: Path) -> None:
    """By both verbs, with file and key, and nothing is another process afterwards."""
    before, text = other.instances(), manifest.read_text()
    manifest.write_text(text + '\n[[route]]\nmatch = "GET /payments/{id}/more"\ndedline = "5s"\n')
    for verb in ("up", "deploy"):
        refused = other.attempt(verb)
        assert refused.returncode == 1
        assert "functions/payments/function.toml" in refused.stderr
        assert "dedline" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert other.instances() == before
    manifest.write_text(text)


@pytest.mark.timeout(600)
def test_a_function_from_the_first_line_to_the_last(checkout: Path, other: Stack, legacy: str) -> None:
    """And a service of others, put behind the same gateway by a verb."""
    before = files(checkout)
    other.run("add-upstream", "legacy", f"http://{legacy}")
    assert "functions/payments/app.py" in other.run("new", "payments")
    manifest = checkout / "functions/payments/function.toml"
    manifest.write_text(manifest.read_text().replace("100/1m burst 20", "700/1m burst 70"))
    other.run("up")

    with httpx.Client(base_url=other.url, timeout=30) as client:
        bearer = log_in(client)
        keyed = {**bearer, "Idempotency-Key": '"one"'}
        added = [client.post("/payments", json={"title": "rent"}, headers=keyed) for _ in range(2)]
        assert [answer.status_code for answer in added] == [201, 201]
        listed = client.get("/payments", headers=bearer)
        assert [item["title"] for item in listed.json()["items"]] == ["rent"]
        assert ";q=700;w=60" in listed.headers["ratelimit-policy"]
        assert client.get("/payments").status_code == 401
        refused_as_long_as_it_is_faulty(other, manifest)
        assert client.get("/payments", headers=bearer).json()["items"] == listed.json()["items"]

        reached = client.get("/legacy/a/b?c=%20", headers=bearer)
        assert reached.json() | {"for": ""} == {"path": "/legacy/a/b?c=%20", "host": legacy, "for": ""}
        assert reached.headers["ratelimit-policy"] == '"default";q=100;w=60'
        assert client.get("/legacy").status_code == 401
    assert "legacy" not in other.run("ps")

    tested = run_pytest(
        checkout,
        *("tests/unit/functions/payments", "tests/contract/functions/payments"),
        *("tests/unit/test_house.py", "tests/unit/deploy/package"),
    )
    assert tested.returncode == 0, tested.stdout

    for name in ("payments", "legacy"):
        other.run("remove", name, "--yes")
    assert files(checkout) == before
    other.run("up")
    assert "payments" not in other.run("ps")
    for path in ("/payments", "/legacy/a"):
        assert httpx.get(f"{other.url}{path}").json()["type"] == "/problems/no-such-route"
    other.run("down", "--data", "--yes")
    assert other.leftovers() == []
