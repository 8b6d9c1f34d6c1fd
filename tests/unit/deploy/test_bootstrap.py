from pathlib import Path

import pytest

from deploy import bootstrap


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two locks, and a machine on which nothing can be run: whoever tries to install fails."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / ".venv").mkdir()
    for group in ("local", "bench", "dev"):
        (tmp_path / "requirements" / f"{group}.txt").write_text(f"# {group}")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    return tmp_path


@pytest.mark.parametrize("installed", ["local", "dev"])
def test_nothing_is_installed_when_the_lock_is_in_already(checkout: Path, installed: str) -> None:
    (checkout / ".venv/portico-lock").write_text(bootstrap.mark(checkout, installed))
    bootstrap.python_packages(checkout, "local")


@pytest.mark.parametrize("installed", ["local", "runtime 0"])
def test_what_tests_need_is_installed_on_top(checkout: Path, installed: str) -> None:
    (checkout / ".venv/portico-lock").write_text(installed)
    with pytest.raises(FileNotFoundError):
        bootstrap.python_packages(checkout, "dev")


def test_what_the_benchmark_needs_is_no_part_of_what_tests_need(checkout: Path) -> None:
    (checkout / ".venv/portico-lock").write_text(bootstrap.mark(checkout, "dev"))
    with pytest.raises(FileNotFoundError):
        bootstrap.python_packages(checkout, "bench", ".portico/bench/venv")


def test_a_changed_lock_is_installed_anew(checkout: Path) -> None:
    (checkout / ".venv/portico-lock").write_text(bootstrap.mark(checkout, "local"))
    (checkout / "requirements/local.txt").write_text("# changed")
    with pytest.raises(FileNotFoundError):
        bootstrap.python_packages(checkout, "local")


def test_a_uv_of_its_own_is_used_again(checkout: Path) -> None:
    uv = checkout / ".portico/uv/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.touch(mode=0o755)
    assert bootstrap.find_uv(checkout) == str(uv)
