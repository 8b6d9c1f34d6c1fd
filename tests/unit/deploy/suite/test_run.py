"""deploy/suite/run.py: a mistake is told with how to do it; the rest is pytest's."""

import os
from pathlib import Path

import pytest

from deploy.suite import run


def test_a_mistake_is_told_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["units"]) == 2
    assert capsys.readouterr().err.startswith("usage: just test [unit | contract | e2e ")


def test_pytest_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []
    monkeypatch.chdir(os.curdir)  # and back, at the end
    monkeypatch.setattr(os, "execv", lambda program, arguments: told.append([program, *arguments]))
    run.main(["unit", "-x"])
    assert told == [[run.PYTEST[0], *run.PYTEST, "tests/unit", "-x"]]
    assert Path.cwd() == run.ROOT
