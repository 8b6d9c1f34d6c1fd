"""How a revision is named, and which one a gateway serves."""

import os
from pathlib import Path

import pytest

from functions.gateway.revisions import CURRENT, current, named, whole


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("users", "orders"):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "function.toml").write_text(name)
    return tmp_path / "functions"


def test_a_name_changes_with_every_manifest_and_with_nothing_else(root: Path) -> None:
    before = named(root)
    (root / "users" / "app.py").write_text("edited")
    assert named(root) == before
    (root / "users" / "function.toml").write_text("edited")
    edited = named(root)
    (root / "users").rename(root / "people")
    assert len({before, edited, named(root)}) == 3


def test_what_is_not_what_its_name_says_is_not_whole(root: Path) -> None:
    revision = named(root)
    root.rename(root.parent / revision)
    assert whole(root.parent, revision)
    (root.parent / revision / "users" / "function.toml").write_text("edited")
    assert not whole(root.parent, revision)


def test_what_holds_a_pipe_is_not_whole(root: Path) -> None:
    """A gateway that opened it would wait for whoever writes there, and with it everybody."""
    revision = named(root)
    root.rename(root.parent / revision)
    (root.parent / revision / "users" / "function.toml").unlink()
    os.mkfifo(root.parent / revision / "users" / "function.toml")
    assert not whole(root.parent, revision)


@pytest.mark.parametrize("name", ["", "..", "functions", "../functions", "current", "a" * 12, "/" + "a" * 11])
def test_what_is_no_name_is_not_whole(root: Path, name: str) -> None:
    assert not whole(root.parent, name)


def test_what_was_applied_goes_before_what_a_gateway_was_made_with(root: Path) -> None:
    assert current("", str(root)) == root
    assert current(str(root.parent), "made") == Path("made")
    (root.parent / CURRENT).symlink_to("functions")
    assert current(str(root.parent), "made") == root
