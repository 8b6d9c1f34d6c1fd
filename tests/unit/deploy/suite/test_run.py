"""deploy/suite/run.py: a mistake is told with how to do it; the rest is pytest's."""

import os
from pathlib import Path

import pytest

from deploy.suite import run


class Became(Exception):
    """Instead of another program."""


def become(program: str, arguments: list[str]) -> None:
    raise Became(program, arguments)


def test_a_mistake_is_told_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run.main(["units"])
    assert capsys.readouterr().err.startswith("usage: just test [unit | contract | e2e ")


def test_pytest_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(os.curdir)  # and back, at the end
    monkeypatch.setattr(os, "execv", become)
    with pytest.raises(Became) as became:
        run.main(["unit", "-x"])
    assert became.value.args == (run.PYTEST[0], [*run.PYTEST, "tests/unit", "-x"])
    assert Path.cwd() == run.ROOT
