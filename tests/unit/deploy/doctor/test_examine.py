"""`just doctor`, as a whole."""

from pathlib import Path

import pytest

from deploy import choice
from deploy.doctor import docker, examine, machine
from deploy.doctor.finding import Finding
from deploy.engine import Engine, Refusal
from tests.unit.deploy.doctor.test_stack import Down


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of which nothing is to be said."""
    monkeypatch.setattr(machine, "machine", lambda *_: iter([Finding("disk", "warning", "little: make room.")]))
    monkeypatch.setattr(docker, "docker", lambda *_: iter([]))
    monkeypatch.setattr(choice, "docker_answers", lambda: False)


def nothing_installed(_name: str) -> Engine:
    raise ImportError


def refuses(_name: str) -> Engine:
    raise Refusal("PORT=0 can't be listened on.")


def test_a_warning_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert examine.main(tmp_path, tmp_path, {}, lambda _: Down()) == 0
    assert "1 to think about" in capsys.readouterr().out


def test_what_is_wrong_is_one_and_what_can_be_looked_at_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine.main(tmp_path, tmp_path, {"ENGINE": "podman"}, refuses) == 1
    said = capsys.readouterr().out
    assert "ENGINE=podman is not known" in said
    assert "make room" in said
    assert examine.main(tmp_path, tmp_path, {}, refuses) == 1
    assert "PORT=0 can't be listened on." in capsys.readouterr().out


def test_before_anything_is_installed_that_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert examine.main(tmp_path, tmp_path, {}, nothing_installed) == 0
    assert "nothing can run yet" in capsys.readouterr().out
