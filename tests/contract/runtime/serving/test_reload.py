"""The developer's loop: a real process that serves what was saved last, and tells what is wrong with it."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.runtime.instance import Instance, function, served

CODE = """
from runtime.serving.application import application as outermost
from runtime.serving.health import Health


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for said in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{said}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ANSWER"})


application = outermost(app, Health())
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """One that answers `one`, until it is edited."""
    with served(function(tmp_path, CODE.replace("ANSWER", "one")), RELOAD="1", KILL_TIMEOUT="1") as instance:
        yield instance.says("ready")


def answer(instance: Instance) -> str:
    try:
        with closing(http.client.HTTPConnection(instance.address)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
    except (ConnectionError, http.client.HTTPException):
        return ""  # between two children


def until_answered(instance: Instance, wanted: str) -> None:
    while answer(instance) != wanted:
        assert instance.process.poll() is None, instance.output


def save(instance: Instance, text: str) -> None:
    (instance.folder / "tiny.py").write_text(text)


def test_what_was_saved_is_served(instance: Instance) -> None:
    assert answer(instance) == "one"
    for word in ("two", "three"):
        save(instance, CODE.replace("ANSWER", word))
        until_answered(instance, word)
    assert instance.output.count('"event":"source changed"') == 2


def test_what_does_not_start_is_told_once_and_the_next_change_mends_it(instance: Instance) -> None:
    save(instance, CODE.replace("ANSWER", "two") + "\n1 / 0\n")
    instance.says("waiting for the next change")
    assert instance.output.count("ZeroDivisionError") == 1
    first, *_ = [line for line in instance.output.splitlines() if line.startswith("  File")]
    assert "tiny.py" in first
    save(instance, CODE.replace("ANSWER", "two"))
    until_answered(instance, "two")


def test_it_ends_with_its_child_when_told_to(instance: Instance) -> None:
    instance.signal()
    assert instance.ends() == 0
    assert answer(instance) == ""


def test_killed_it_leaves_nobody_behind(instance: Instance) -> None:
    instance.kill()
    while answer(instance):
        pass


def test_what_does_not_start_at_first_ends_it_as_in_production(tmp_path: Path) -> None:
    with served(function(tmp_path, "1 / 0"), RELOAD="1") as instance:
        assert instance.ends() == 1
        assert "ZeroDivisionError" in instance.output
