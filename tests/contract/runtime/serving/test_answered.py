"""runtime/serving/answered.py under what is shaped like NGINX Unit, and that nothing of it is seen under Granian."""

import json
import socket
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.contract.deploy.package.servers import Unitlike, process
from tests.contract.runtime.instance import ROOT, Instance, function, served

FUNCTION = """
import asyncio

from runtime.serving.application import application as outermost
from runtime.serving.health import Health
from runtime.serving.lifespan import live
from contextlib import asynccontextmanager

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}
END = {"type": "http.response.body", "body": b"part", "more_body": False}


@asynccontextmanager
async def life():
    yield


async def hang(receive, send):
    await asyncio.Event().wait()


async def clean_up(receive, send):
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.1)


async def be_told(receive, send):
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_and_hang(receive, send):
    while (await receive()).get("more_body"):
        pass
    await asyncio.Event().wait()


async def stay(receive, send):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def begin(receive, send):
    await send(START)
    await asyncio.Event().wait()


async def send_part(receive, send):
    await send(START)
    await send(PART)
    await asyncio.Event().wait()


async def leave(receive, send):
    raise SystemExit(3)


async def work(receive, send):
    await asyncio.sleep(0.01)
    await send(START)
    await send(PART)
    await send(END)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(life(), receive, send)
    else:
        await globals()[scope["path"][1:]](receive, send)


application = outermost(app, Health())
"""
PROBLEM = "application/problem+json"
WAIT = ["hang", "clean_up", "be_told", "read_and_hang"]
UNREAD = ["hang", "clean_up"]  # they never ask for a body
BROKEN = ["begin", "send_part"]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A file with the object of that function, as it is in the checkout."""
    function(tmp_path, FUNCTION)
    file = tmp_path / "unit.json"
    where = [str(tmp_path), str(ROOT), sysconfig.get_path("purelib")]
    seen = {"environment": {}, "working_directory": str(tmp_path), "path": where}
    file.write_text(json.dumps({**seen, "module": "tiny", "callable": "application"}))
    return file


@pytest.fixture
def unit(told: Path) -> Iterator[Unitlike]:
    with process(told) as server:
        assert server.hear() == {"started": True}
        yield server


def in_flight(unit: Unitlike) -> int:
    count: int = unit.ask("GET", "/health", {}, b"").json()["in_flight"]
    return count


def begin(unit: Unitlike, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
    """Asks, and returns once it is being answered."""
    unit.begin("GET", f"/{path}", headers or {}, body)
    while not in_flight(unit):
        pass


@pytest.mark.parametrize("soon", [True, False], ids=["in its first moment", "later"])
@pytest.mark.parametrize("path", WAIT)
@pytest.mark.parametrize("body", [b"", b"read in two parts"])
def test_a_call_that_unit_ends_is_503_and_not_an_empty_200(
    unit: Unitlike, path: str, body: bytes, *, soon: bool
) -> None:
    begin(unit, path, {"X-Request-Id": "r-1"}, body)
    for _ in range(0 if soon else 100):  # longer than a moment, in which nobody listens
        in_flight(unit)
    unit.end()
    answer = unit.answer()
    if body and path in UNREAD:  # which hides that it has ended: then Unit says so
        assert (answer.status, answer.header("content-type")) == (503, "text/html")
        return
    assert (answer.status, answer.header("content-type"), answer.header("retry-after")) == (503, PROBLEM, "1")
    assert (answer.json()["type"], answer.json()["request_id"]) == ("/problems/draining", "r-1")


def test_a_call_that_is_all_but_done_is_done(unit: Unitlike) -> None:
    begin(unit, "work")
    unit.end()
    assert unit.answer().body == "partpart"
    assert unit.hear() == {"ended": True, "faults": []}


def test_a_call_that_will_not_end_is_ended_by_unit(unit: Unitlike) -> None:
    begin(unit, "stay")
    unit.end()
    assert (unit.answer().status, unit.hear()["ended"]) == (503, True)


def test_an_answer_of_which_nothing_was_sent_is_503(unit: Unitlike) -> None:
    """Unit keeps the head back until there is some of the body."""
    begin(unit, "begin")
    unit.end()
    assert unit.answer().status == 503
    (fault,) = unit.hear()["faults"]
    assert fault.startswith("Unanswered('GET /begin was half answered")


def test_an_answer_that_ends_half_way_is_seen_to(unit: Unitlike) -> None:
    begin(unit, "send_part")
    unit.end()
    said = unit.hear()
    assert (said["status"], said["body"], said["whole"]) == (200, "part", False)


def test_a_call_that_would_end_the_process_ends_nobody_elses(unit: Unitlike) -> None:
    begin(unit, "hang")
    unit.begin("GET", "/leave", {}, b"")
    said = unit.hear()
    assert (said["status"], json.loads(said["body"])["type"]) == (500, "/problems/internal-error")
    assert in_flight(unit) == 1
    unit.end()
    assert unit.answer().status == 503


# Granian.


@pytest.fixture
def granian(tmp_path: Path) -> Iterator[Instance]:
    with served(function(tmp_path, FUNCTION)) as instance:
        yield instance.says("ready")


def get(granian: Instance, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", granian.port)) as client:
        client.sendall(b"GET /%s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % path.encode())
        return b"".join(iter(lambda: client.recv(4096), b""))


def until_in_flight(granian: Instance, count: int) -> None:
    while b'"in_flight":%d' % count not in get(granian, "health"):
        assert granian.process.poll() is None


@pytest.mark.parametrize("path", [*WAIT, *BROKEN])
def test_granian_hears_nothing_new_of_a_client_that_leaves(granian: Instance, path: str) -> None:
    with socket.create_connection(("127.0.0.1", granian.port)) as client:
        client.sendall(b"GET /%s HTTP/1.1\r\nhost: a\r\n\r\n" % path.encode())
        until_in_flight(granian, 1)
    until_in_flight(granian, 0)
    status = b'status="200"' if path in BROKEN else b'status="499"'
    assert b'portico_function_requests_total{route="none",%s} 1\n' % status in get(granian, "metrics")
    assert [line["event"] for line in granian.lines] == ["ready"]
