"""The machine, as it would look elsewhere."""

import os
import resource
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy import bootstrap
from deploy.doctor import machine
from deploy.local import packages

GIB = 1 << 30


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 10, 9), "wrong"), ((3, 11, 0), "ok"), ((3, 14, 2), "ok"), ((3, 15, 0), "wrong")],
)
def test_python_is_one_that_is_supported(version: tuple[int, ...], state: str) -> None:
    assert machine.python(version).state == state


def test_packages_are_those_that_are_locked_or_the_next_step_is_said(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for group in ("local", "dev"):
        (tmp_path / f"requirements/{group}.txt").write_text(group)
    assert "Nothing is installed" in machine.installed(tmp_path).said
    stamp = tmp_path / ".venv/portico-lock"
    stamp.parent.mkdir()
    stamp.write_text(bootstrap.mark(tmp_path, "dev"))
    assert machine.installed(tmp_path).state == "ok"
    (tmp_path / "requirements/dev.txt").write_text("another")
    assert machine.installed(tmp_path).state == "warning"


def test_what_is_not_installed_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert [(found.what, found.state) for found in machine.programs("local")] == [
        ("nginx", "wrong"),
        ("redis-server", "wrong"),
    ]
    assert "must be installed: " in next(machine.programs("local")).said
    assert list(machine.programs("docker")) == []


def test_what_an_older_nginx_does_at_a_reload_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda program: program)
    for version, said in (("1.22.1", True), ("1.27.4", False), ("1.30.6", False)):
        monkeypatch.setattr(machine, "said", lambda *_, version=version: f"nginx version: nginx/{version}")
        assert ("a reload ends" in next(machine.programs("local")).said) == said


def test_a_program_that_cannot_be_run_has_said_nothing() -> None:
    assert machine.said("/no/such/program") == ""


def test_the_folder_that_a_stack_makes_things_in_is_its_owners(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert machine.rights(state / "deep").state == "ok"
    state.mkdir()
    state.chmod(0o777)
    assert "chmod go-w" in machine.rights(state).said


def test_a_folder_of_others_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = machine.rights(tmp_path)
    assert found.state == "wrong"
    assert "set PORTICO_STATE" in found.said


@pytest.mark.parametrize(("free", "state"), [(50 * GIB, "ok"), (GIB, "warning"), (GIB // 4, "wrong")])
def test_a_disk_without_room_is_told_before_it_is_full(free: int, state: str) -> None:
    assert machine.disk(Path("/data"), free).state == state


@pytest.mark.parametrize(
    ("now", "adjusting", "state"),
    [(1000.0, 0, "ok"), (1000.0, -1, "ok"), (1000.0, 5, "warning"), (900.0, 0, "wrong"), (970.0, 0, "ok")],
)
def test_a_clock_is_late_where_files_are_of_the_future(now: float, adjusting: int, state: str) -> None:
    assert machine.clock(now, 1000.0, adjusting).state == state


def test_the_system_says_something_of_its_clock() -> None:
    assert machine.adjusted() in range(-1, 6)


@pytest.mark.parametrize(
    ("most", "state"), [(resource.RLIM_INFINITY, "ok"), (65536, "ok"), (20000, "warning"), (1024, "wrong")]
)
def test_a_process_may_have_enough_files_open(most: int, state: str) -> None:
    assert machine.descriptors(most).state == state


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({}, "ok"),
        ({"http_proxy": ""}, "ok"),
        ({"HTTPS_PROXY": "http://me:secret@p:1"}, "warning"),
        ({"http_proxy": "http://p:1", "no_proxy": "localhost"}, "warning"),
        ({"http_proxy": "http://p:1", "NO_PROXY": "localhost, 127.0.0.1"}, "ok"),
        ({"http_proxy": "http://p:1", "no_proxy": "*"}, "ok"),
    ],
)
def test_a_proxy_is_told_by_its_variable_and_never_by_what_is_in_it(told: Mapping[str, str], state: str) -> None:
    found = machine.proxies(told)
    assert found.state == state
    assert "secret" not in found.said


def test_all_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    looked = [found.what for found in machine.machine(tmp_path, tmp_path / "state", {}, "docker")]
    assert looked == ["Python", "packages", "rights", "disk", "clock", "file descriptors", "proxies"]
