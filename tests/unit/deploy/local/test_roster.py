from pathlib import Path

import pytest

from deploy.local import blocks
from deploy.local import roster as module
from deploy.local.layout import Layout
from deploy.local.programs import Binaries
from deploy.local.roster import Roster


@pytest.fixture
def roster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roster:
    for name in ("gateway", "users"):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "function.toml").touch()
    (tmp_path / "state").mkdir()
    monkeypatch.setattr(module.Roster, "binaries", lambda _: Binaries("/bin/nginx", "/bin/redis"))
    return Roster(Layout(tmp_path, tmp_path / "state", 9000))


def files(roster: Roster) -> set[str]:
    return {file.stem for file in roster._layout.programs.glob("*.conf")}


def test_without_a_word_there_is_one_of_each(roster: Roster) -> None:
    assert roster.instances() == {"gateway": 1, "users": 1}


def test_what_is_written_is_what_should_run_and_nothing_else(roster: Roster) -> None:
    roster.write({"gateway": 2, "users": 1})
    assert files(roster) == {"nginx", "redis", "redis-cache", "gateway-1", "gateway-2", "users-1"}
    roster.write({"gateway": 1, "users": 0})
    assert files(roster) == {"nginx", "redis", "redis-cache", "gateway-1"}
    assert roster.instances() == {"gateway": 1, "users": 0}


def test_a_program_is_stale_until_it_is_written_down_as_it_should_be(roster: Roster) -> None:
    roster.write(roster.instances())
    users = next(program for program in roster.programs() if program.name == "users-1")
    assert not roster.stale(users)
    release = roster._layout.releases / "users"
    (release / "abc").mkdir(parents=True)
    (release / "current").symlink_to("abc")
    users = next(program for program in roster.programs() if program.name == "users-1")
    assert roster.stale(users)
    roster.add(users)
    assert not roster.stale(users)
    roster.remove("users-1")
    assert roster.stale(users)


def test_ports_are_remembered_before_anything_listens_there_and_given_back_when_nothing_does(roster: Roster) -> None:
    roster.write(roster.instances())
    assert blocks.read(roster._layout.state) == {"gateway": 100, "users": 116}
    blocks.keep(roster._layout.state, {}, {"gone": 132, "running": 148})
    roster.release(["redis", "redis-cache", "nginx", "gateway-1", "running-2"])
    assert blocks.read(roster._layout.state) == {"gateway": 100, "users": 116, "running": 148}
