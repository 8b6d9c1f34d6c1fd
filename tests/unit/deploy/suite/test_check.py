"""deploy/suite/check.py: whoever finds something, it is said and the exit code tells; what is left out is counted."""

from pathlib import Path

import pytest

from deploy.suite import check
from deploy.suite.touched import Called


def test_what_is_in_order_is_told_with_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "lint", lambda _: ("", 0))
    monkeypatch.setattr(check, "run_tests", lambda _: 0)
    assert check.main() == 0
    assert capsys.readouterr().out.startswith("Style and types: in order. All of it took ")


@pytest.mark.parametrize(("tests", "lint", "code"), [(0, 1, 1), (3, 0, 3), (3, 1, 3)])
def test_one_that_finds_something_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tests: int, lint: int, code: int
) -> None:
    monkeypatch.setattr(check, "lint", lambda _: ("a.py:1: wrong" if lint else "", lint))
    monkeypatch.setattr(check, "run_tests", lambda _: tests)
    assert check.main() == code
    assert ("a.py:1: wrong" in capsys.readouterr().out) == bool(lint)


def test_each_of_the_checks_is_made_also_after_one_that_found_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ("-c", "print('one')"), ("-c", "raise SystemExit('two')"), ("-c", "raise SystemExit('three')")
    monkeypatch.setattr(check, "LINT", found)
    monkeypatch.setattr(check, "MODULE", ())
    assert check.lint(tmp_path) == ("one\ntwo\nthree\n", 1)


def test_what_is_not_run_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    check.told(Called(["a", "b", "c"], further=5), run=2)
    assert "2 files of contract tests" in (said := capsys.readouterr().out)
    assert "6 more files of contract tests" in said
    check.told(Called(["a"], further=0), run=1)
    assert "more" not in capsys.readouterr().out
