"""runtime/serving/serve.py: real processes of a small function, as a client, a supervisor and an operator see them."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runtime.serving.membership import members
from tests.contract.runtime.instance import MANIFEST, ROOT, Instance, function, served

TINY = """
import asyncio
import os
from pathlib import Path

from runtime.telemetry import log
from runtime.serving.application import application as outermost
from runtime.serving.health import Health

RELEASED = Path(__file__).with_name("released")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        log.get(__name__).info("closed")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/endless":
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
            await asyncio.sleep(0.01)
    while scope["path"] == "/held" and not RELEASED.exists():
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": scope["path"].encode()})


application = outermost(app, Health())
"""

FAILING = """
from contextlib import asynccontextmanager

from runtime.http.api import api
from runtime.serving.application import application as outermost
from runtime.serving.health import Health
from runtime.settings import SettingsError


@asynccontextmanager
async def lifespan(app):
    raise ERROR
    yield


application = outermost(api([], lifespan=lifespan, failures={}), Health())
"""

WAITING = """
import asyncio

from runtime.telemetry import log
from runtime.serving.application import application as outermost
from runtime.serving.health import Health


async def app(scope, receive, send):
    log.get(__name__).info("waiting")
    await asyncio.Event().wait()


application = outermost(app, Health())
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return function(tmp_path, TINY)


def get(instance: Instance, path: str) -> tuple[int, str, str]:
    """A request on a connection of its own: status, what becomes of the connection, body."""
    with closing(http.client.HTTPConnection(instance.address)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("connection", ""), answer.read().decode()


@contextmanager
def endless(instance: Instance) -> Iterator[None]:
    """A stream that has begun and never ends by itself."""
    with closing(http.client.HTTPConnection(instance.address)) as connection:
        connection.request("GET", "/endless")
        assert connection.getresponse().read(4) == b"more"
        yield


def keeping(instance: Instance, path: str) -> http.client.HTTPConnection:
    """A connection on which a request was answered and which the client keeps; the answer is read."""
    connection = http.client.HTTPConnection(instance.address)
    connection.request("GET", path)
    connection.getresponse().read()
    return connection


def visiting(instance: Instance) -> list[str]:
    """What came of requests, each on a connection of its own, until nobody listens any more."""
    came = []
    while "refused" not in came:
        with socket.socket() as client:
            client.settimeout(0.1)
            try:
                client.connect(("127.0.0.1", instance.port))
            except ConnectionRefusedError:
                came.append("refused")
            except TimeoutError:
                came.append("not let in")
            else:
                came.append(asked(client))
    return came[:-1]


def asked(client: socket.socket) -> str:
    """What came of a request that was sent a moment after its connection was made: its client is busy."""
    client.settimeout(30)
    time.sleep(0.05)
    try:
        client.sendall(b"POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        return "answered" if client.recv(1024).startswith(b"HTTP/1.1 200") else "closed"
    except ConnectionError as error:
        return type(error).__name__


def until_in_flight(instance: Instance) -> None:
    while json.loads(get(instance, "/health")[2])["in_flight"] == 0:
        assert instance.process.poll() is None


def refused(instance: Instance) -> str:
    """The one sentence of an instance that would not start."""
    assert instance.ends() == 1, instance.output
    (sentence,) = instance.output.splitlines()
    return sentence


def not_started(instance: Instance) -> str:
    """Why, as the one line of log has it."""
    line = json.loads(refused(instance))
    assert (line["event"], line["level"], line["function"]) == ("did not start", "error", "tiny")
    return str(line["why"])


# Running.


def test_an_instance_serves_and_is_a_member_while_it_is_ready(tiny: Path) -> None:
    with served(tiny, MEMBERS_DIR=str(tiny / "members")) as instance:
        instance.says("ready")
        assert get(instance, "/hello") == (200, "", "/hello")
        assert get(instance, "/readyz")[0] == 200
        assert members(tiny / "members" / "tiny") == {instance.address}


def test_an_instance_that_is_killed_is_no_member(tiny: Path) -> None:
    with served(tiny, MEMBERS_DIR=str(tiny / "members")) as instance:
        instance.says("ready").signal(signal.SIGKILL)
        assert instance.ends() == -signal.SIGKILL
        assert members(tiny / "members" / "tiny") == frozenset()


def test_an_application_that_knows_no_lifespan_is_served(tmp_path: Path) -> None:
    knows_none = TINY.replace('if scope["type"] == "lifespan":', 'assert scope["type"] == "http"\n    if False:')
    with served(function(tmp_path, knows_none)) as instance:
        instance.says("ready")
        assert get(instance, "/hello")[0] == 200
        instance.signal()
        assert instance.ends() == 0


def test_every_line_is_json_and_names_the_instance(tiny: Path) -> None:
    with served(tiny, INSTANCE="tiny-7") as instance:
        instance.says("ready").signal()
        instance.ends()
        assert {line["instance"] for line in instance.lines} == {"tiny-7"}


# Stopping.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished_before_the_end(tiny: Path, number: int) -> None:
    with served(tiny, MEMBERS_DIR=str(tiny / "members")) as instance, ThreadPoolExecutor(1) as thread:
        instance.says("ready")
        held = thread.submit(get, instance, "/held")
        until_in_flight(instance)
        instance.signal(number)
        instance.says("draining")
        assert members(tiny / "members" / "tiny") == frozenset()
        (tiny / "released").touch()
        assert held.result() == (200, "close", "/held")
        assert instance.ends() == 0
        assert [line["event"] for line in instance.lines] == ["ready", "draining", "closed"]


def test_for_the_length_of_its_notice_it_is_not_ready_but_serves_and_asks_for_each_connections_end(tiny: Path) -> None:
    with served(tiny, DRAIN_NOTICE="600") as instance:
        kept = keeping(instance.says("ready"), "/hello")
        instance.signal()
        instance.says("draining")
        assert get(instance, "/readyz") == (503, "close", '{"state":"draining"}')
        assert get(instance, "/livez")[:2] == (200, "close")
        assert get(instance, "/hello") == (200, "close", "/hello")
        kept.request("GET", "/hello")
        assert kept.getresponse().getheader("connection") == "close"
        kept.close()


def test_a_stop_loses_no_request_of_those_that_were_let_in(tiny: Path) -> None:
    with served(tiny, DRAIN_NOTICE="0.01") as instance, ThreadPoolExecutor(8) as threads:
        instance.says("ready")
        visits = [threads.submit(visiting, instance) for _ in range(8)]
        instance.signal()
        assert instance.ends() == 0
        assert {how for visit in visits for how in visit.result()} <= {"answered", "not let in"}


def test_a_second_signal_changes_nothing(tiny: Path) -> None:
    with served(tiny) as instance, ThreadPoolExecutor(1) as thread:
        instance.says("ready")
        held = thread.submit(get, instance, "/held")
        until_in_flight(instance)
        instance.signal()
        instance.says("draining").signal(signal.SIGINT)
        instance.signal()
        (tiny / "released").touch()
        assert held.result() == (200, "close", "/held")
        assert instance.ends() == 0


def test_an_idle_connection_does_not_hold_the_end(tiny: Path) -> None:
    with served(tiny) as instance:
        kept = keeping(instance.says("ready"), "/hello")
        instance.signal()
        assert instance.ends() == 0
        assert "stopped with connections open" not in instance.output
        kept.close()


def test_a_connection_that_sends_nothing_does_not_hold_the_end(tiny: Path) -> None:
    with served(tiny) as instance:
        instance.says("ready")
        with socket.create_connection(("127.0.0.1", instance.port)):
            assert get(instance, "/livez")[0] == 200
            instance.signal()
            assert instance.ends() == 0
        assert "stopped with connections open" not in instance.output


def test_a_stream_without_an_end_is_cut_off(tiny: Path) -> None:
    with served(tiny, KILL_TIMEOUT="0.3") as instance:
        instance.says("ready")
        with endless(instance):
            instance.signal()
            assert instance.ends() == 0
        events = [line["event"] for line in instance.lines]
        assert events == ["ready", "draining", "stopped with connections open"]


def test_a_start_that_takes_for_ever_can_be_stopped(tmp_path: Path) -> None:
    with served(function(tmp_path, WAITING)) as instance:
        instance.says("waiting").signal()
        assert instance.ends() == 0
        assert [line["event"] for line in instance.lines] == ["waiting"]


# Not starting: one sentence, exit code 1.


def test_a_broken_manifest_is_told_with_file_and_key(tmp_path: Path) -> None:
    with served(function(tmp_path, TINY, MANIFEST.replace("module", "modul") + 'callable = "x"')) as instance:
        assert instance.ends() == 1
        assert instance.output.splitlines() == [
            f"{tmp_path}/function.toml:3: app.modul: is not known here; did you mean `module`?",
            f"{tmp_path}/function.toml:2: app.module: is required",
        ]


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    with served(tmp_path) as instance:
        assert refused(instance) == f"{tmp_path}/function.toml: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DRAIN_NOTICE", "-1"),
        ("KILL_TIMEOUT", "nan"),
        ("LOG_FORMAT", "xml"),
        ("INSTANCE_FILE", "/nowhere"),
    ],
)
def test_a_broken_setting_is_named(tiny: Path, variable: str, value: str) -> None:
    with served(tiny, **{variable: value}) as instance:
        assert refused(instance).startswith(f"{variable}: ")


@pytest.mark.parametrize("missing", ["absent", "tiny.app"])
def test_a_module_that_is_not_there_is_named(tmp_path: Path, missing: str) -> None:
    manifest = MANIFEST.replace('module = "tiny"', f'module = "{missing}"')
    with served(function(tmp_path, "", manifest)) as instance:
        assert refused(instance) == f"{tmp_path}/function.toml:3: app.module: there is no module {missing}"


def test_what_a_function_itself_fails_to_import_is_shown_where(tmp_path: Path) -> None:
    with served(function(tmp_path, "import not_installed")) as instance:
        assert instance.ends() == 1
        assert 'tiny.py", line 1' in instance.output
        assert "No module named 'not_installed'" in instance.output


@pytest.mark.parametrize("code", ["", "application = None", "async def application(scope, receive, send): ..."])
def test_a_callable_that_is_not_what_is_served_here_is_named(tmp_path: Path, code: str) -> None:
    with served(function(tmp_path, code)) as instance:
        why = "tiny.application is not what runtime.serving.application"
        assert f"function.toml:2: app.callable: {why}" in refused(instance)


def test_a_start_that_fails_says_why_once(tmp_path: Path) -> None:
    with served(function(tmp_path, FAILING.replace("ERROR", 'SettingsError("TOKENS: is required")'))) as instance:
        assert not_started(instance) == "TOKENS: is required"


def test_a_start_that_fails_by_a_bug_shows_where_on_one_line(tmp_path: Path) -> None:
    with served(function(tmp_path, FAILING.replace("ERROR", 'ZeroDivisionError("by nought")'))) as instance:
        why = not_started(instance)
        assert "ZeroDivisionError: by nought" in why
        assert "tiny.py" in why


def test_a_second_start_on_a_port_is_refused_and_the_first_serves_on(tiny: Path) -> None:
    with served(tiny) as first:
        first.says("ready")
        with served(tiny, PORT=str(first.port)) as second:
            assert not_started(second) == f"cannot listen on {first.address}: Address already in use"
        assert get(first, "/hello")[0] == 200


def test_a_port_can_be_had_again_after_a_kill(tiny: Path) -> None:
    with served(tiny) as first:
        kept = keeping(first.says("ready"), "/hello")
        first.kill()
        with served(tiny, PORT=str(first.port)) as second:
            second.says("ready")
        kept.close()


@pytest.mark.parametrize(
    ("host", "why"),
    [("203.0.113.1", "Cannot assign requested address"), ("localhost", "Name or service not known")],
)
def test_an_address_that_is_not_ours_is_named(tiny: Path, host: str, why: str) -> None:
    with served(tiny, HOST=host) as instance:
        assert not_started(instance) == f"cannot listen on {host}:{instance.port}: {why}"


def test_a_folder_of_members_that_cannot_be_had_is_named(tiny: Path) -> None:
    (tiny / "file").touch()
    with served(tiny, MEMBERS_DIR=str(tiny / "file")) as instance:
        assert instance.ends() == 1
        *_, last = instance.lines
        assert (last["event"], last["why"]) == ("did not start", f"[Errno 20] Not a directory: '{tiny}/file/tiny'")
        assert "Traceback" not in instance.output


def test_without_a_folder_it_says_how_it_is_used() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "runtime.serving.serve"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (asked.returncode, asked.stderr) == (1, "usage: python -m runtime.serving.serve FOLDER\n")
