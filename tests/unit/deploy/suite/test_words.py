"""deploy/suite/words.py: a place is one of tests, an option keeps its value, and nothing else is taken for either."""

from pathlib import Path

import pytest

from deploy.suite.words import arguments


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "tests/unit/test_it.py").touch()
    (tmp_path / "README.md").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "tests"),
        ("unit", "tests/unit"),
        ("tests/unit", "tests/unit"),
        ("unit/test_it.py", "tests/unit/test_it.py"),
        ("unit/test_it.py::test_one[a]", "tests/unit/test_it.py::test_one[a]"),
        ("-x", "-x tests"),
        ("-x unit", "-x tests/unit"),
        ("unit -k unit", "tests/unit -k unit"),
        ("-k unit", "-k unit tests"),
        ("-k unit unit", "-k unit tests/unit"),
        ("--maxfail 2 unit", "--maxfail 2 tests/unit"),
        ("--durations=5", "--durations=5 tests"),
    ],
)
def test_what_is_typed_is_what_pytest_is_told(root: Path, typed: str, told: str) -> None:
    assert arguments(typed.split(), root) == told.split()


@pytest.mark.parametrize(
    "typed", ["units", "unit nothing", "unit/../..", "..", "README.md", "/", "tests/", "-k a b", "-x nothing", "'unit"]
)
def test_what_is_no_place_of_tests_is_refused(root: Path, typed: str) -> None:
    assert arguments(typed.split(), root) is None


def test_an_empty_word_is_refused(root: Path) -> None:
    assert arguments([""], root) is None
