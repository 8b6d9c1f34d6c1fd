from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local import packages


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install nginx redis-server"),
        ("dnf", "sudo dnf install nginx redis"),
        ("brew", "brew install nginx redis"),
    ],
)
def test_what_is_missing_is_named_as_this_system_names_it(manager: str, command: str) -> None:
    said = packages.instruction(["nginx", "redis-server"], manager)
    assert said == f"nginx and redis-server must be installed: {command}"


def test_a_system_without_a_known_manager_is_told_what_to_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert packages.instruction(["nginx"]).startswith("nginx must be installed: there is no apt-get")


def test_a_program_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packages.PACKAGES, "no-such-program", ("it", "it", "it"))
    with pytest.raises(Refusal, match="no-such-program must be installed"):
        packages.require("no-such-program")


def test_nothing_is_installed_when_all_is_there() -> None:
    packages.ensure(["sh"], say=pytest.fail)


LOCKED = """#!/bin/sh
echo "$@" >> "$CALLS"
test -e "$CALLS.free" && exit 0
touch "$CALLS.free"
echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)' >&2
exit 100
"""


def test_another_apt_get_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt-get").write_text(LOCKED)
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(packages, "_PAUSE", 0.0)
    packages._apt_install(["it"])
    install = "install --yes --quiet --no-install-recommends it"
    assert (tmp_path / "calls").read_text().splitlines() == [install, install]
