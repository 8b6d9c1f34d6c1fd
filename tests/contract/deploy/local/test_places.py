"""A stack in places with odd names, on odd addresses and under an odd environment: it runs, and says where it is."""

import http.client
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.front import CERTIFICATE
from deploy.local.engine import LocalEngine
from tests.contract.deploy.local.conftest import SPAN
from tests.ports import free_base

NAMES = ["50%", "%(here)s %d", "a 'b' \"c\"", "a #b ;c", "$HOME $port", "\u00e9\u4e2d", "[a]*?", "{a}", "\\n`id`"]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        yield Path(folder)


def get(address: str, path: str = "/", verified_by: Path | None = None) -> tuple[int, str]:
    """Status and content of what is answered at an engine's address."""
    place = urlsplit(address)
    assert place.hostname is not None
    if verified_by is None:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=5)
    else:
        context = ssl.create_default_context(cafile=str(verified_by))
        connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=5, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_stack_runs_with_tls_scales_and_ends_in_a_folder_of_any_name(name: str, short: Path, checkout: Path) -> None:
    root = short / name
    shutil.copytree(checkout, root)
    (root / "functions/users/schema").mkdir()
    (root / "functions/users/schema/0001_people.sql").write_text("CREATE TABLE people (name TEXT)")
    port = free_base(SPAN)
    environment = {"PORT": str(port), "TLS": "self-signed", "TLS_PORT": str(port + 9)}
    engine = LocalEngine(root, environment, say=lambda _: None)
    try:
        assert engine.up()
        assert engine.scale("gateway", 2)
        assert {row.state for row in engine.ps()} == {"ready"}
        assert get(f"https://localhost:{port + 9}", "/", engine._layout.tls / CERTIFICATE)[0] == 200
        assert list(engine._layout.data.glob("users.db"))
        with engine.fleet() as fleet:
            fleet.prepare(everything=True)
            fleet.rehearse("users")
            fleet.replace("users")
        assert next(filter(None, engine.logs("users-1", since=None, follow=False))).instance == "users-1"
    finally:
        engine.down(data=True)
    assert not engine._supervisor.running()


@pytest.mark.parametrize(
    ("bind", "host"),
    [("::1", "[::1]"), ("[::1]", "[::1]"), ("::", "[::1]"), ("0.0.0.0", "localhost")],  # noqa: S104
)
def test_what_listens_elsewhere_is_told_as_a_url_that_works(
    bind: str, host: str, checkout: Path, environment: dict[str, str]
) -> None:
    port = int(environment["PORT"])
    tls = {"TLS": "self-signed", "TLS_PORT": str(port + 9), "BIND": bind}
    engine = LocalEngine(checkout, environment | {"BIND": bind}, say=lambda _: None)
    try:
        engine.up()
        assert engine.address() == f"http://{host}:{port}"
        assert get(engine.address()) == (200, "gateway-1")
        assert {row.state for row in engine.ps()} == {"ready"}
        assert engine.ps()[0].address == f"{'127.0.0.1' if host == 'localhost' else host}:{port}"
        engine.down(data=False)
        engine = LocalEngine(checkout, environment | tls, say=lambda _: None)
        engine.up()
        assert engine._layout.front.address == f"https://{host}:{port + 9}"
        assert get(engine._layout.front.address, "/", engine._layout.tls / CERTIFICATE)[0] == 200
    finally:
        engine.down(data=False)


HOSTILE = {
    "PYTHONSAFEPATH": "1",
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "xx_XX.ISO-8859-15",
    "http_proxy": "http://127.0.0.1:1",
    "ALL_PROXY": "socks5://127.0.0.1:1",
}


def test_what_the_environment_says_of_python_language_and_proxies_keeps_nothing_from_running(
    engine: LocalEngine, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    (checkout / "functions/users/asks.py").write_text("import sys; assert sys.flags.utf8_mode; print('\u2026')")
    engine.up()
    assert {row.state for row in engine.ps()} == {"ready"}
    assert engine.run("users", "functions.users.asks") == 0
    with engine.fleet() as fleet:
        fleet.prepare(everything=True)
        fleet.rehearse("gateway")


def test_nothing_that_runs_is_writable_for_others_however_the_checkout_was_made(
    engine: LocalEngine, checkout: Path
) -> None:
    for file in checkout.rglob("*"):
        file.chmod(0o777 if file.is_dir() else 0o666)
    engine.up()
    state = engine._layout.state
    assert [str(file) for file in state.rglob("*") if not file.is_symlink() and file.stat().st_mode & 0o022] == []
    assert [(state / private).stat().st_mode & 0o777 for private in ("logs", "data")] == [0o700, 0o700]
