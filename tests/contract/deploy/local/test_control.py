"""A real socket with somebody behind it, or nobody."""

import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local import control
from deploy.local.layout import Layout
from functions.gateway.revisions import Said


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one, as a socket's path has few bytes."""
    with tempfile.TemporaryDirectory(prefix="p-") as made:
        yield Path(made)


@dataclass(frozen=True)
class Process:
    pid: int


def test_whoever_listens_is_heard(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "a"))
        listener.listen()
        talk = control.opened("gateway-1", folder / "a")
        assert talk is not None
        there, _ = listener.accept()
        with there:
            talk.say("which")
            assert there.recv(100) == b"which\n"
            there.sendall(b'{"revision":"abc"}\n')
            assert talk.hear(time.monotonic() + 10) == Said("abc")
            talk.close()
            assert there.recv(100) == b""


def test_where_nobody_listens_there_is_no_conversation(folder: Path) -> None:
    assert control.opened("gateway-1", folder / "a") is None
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "a"))
    assert control.opened("gateway-1", folder / "a") is None


def test_gateways_that_run_are_told_and_no_others(folder: Path) -> None:
    layout = replace(Layout.read(Path(__file__).parents[4], {}), state=folder)
    processes = {"gateway-1": Process(1), "gateway-2": Process(0), "users-1": Process(2), "nginx": Process(3)}
    assert [*control.running(layout, lambda: processes)()] == ["gateway-1"]  # type: ignore[arg-type,return-value]
