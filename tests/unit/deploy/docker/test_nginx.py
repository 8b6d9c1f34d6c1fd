"""nginx in its container reads again what lies there, once it has said that it can."""

import subprocess

import pytest

from deploy.docker import nginx
from deploy.engine import Refusal


def docker(monkeypatch: pytest.MonkeyPatch, refuses: str = "") -> list[str]:
    """What Docker is asked, word by word at the end; the call that holds `refuses` fails."""
    asked: list[str] = []

    def apart(command: list[str]) -> "subprocess.CompletedProcess[str]":
        asked.append(" ".join(command[-2:]))
        code = int(bool(refuses) and refuses in command)
        return subprocess.CompletedProcess(command, code, "", "unknown directive\n")

    monkeypatch.setattr(nginx, "apart", apart)
    return asked


def test_it_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = docker(monkeypatch)
    nginx.read_again(["abc"])
    assert asked == ["-t -q", "-s reload"]


def test_what_it_refuses_is_told_and_it_goes_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = docker(monkeypatch, "-t")
    with pytest.raises(Refusal, match="unknown directive"):
        nginx.read_again(["abc"])
    assert asked == ["-t -q"]


def test_where_it_does_not_run_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = docker(monkeypatch)
    nginx.read_again([])
    assert asked == []
