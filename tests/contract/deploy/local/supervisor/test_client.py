import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local.programs import Program
from deploy.local.supervisor import config
from deploy.local.supervisor.client import Supervisor

PATIENT = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit()); time.sleep(600)"


class Place:
    """A folder as supervisord wants it; its path is short enough for a socket."""

    def __init__(self, state: Path) -> None:
        self.state = state
        for name in ("run", "logs", "programs"):
            (state / name).mkdir()
        self.config = state / "run/supervisord.conf"
        self.supervisor = Supervisor(state / "run/supervisor.sock", self.config)
        user = "root" if os.geteuid() == 0 else ""
        text = config.daemon(state / "programs", user=user, files=64)
        self.config.write_text(text)

    def write(self, name: str, code: str = PATIENT) -> None:
        program = Program(name, (sys.executable, "-c", code), ("127.0.0.1", 1), tier=1)
        (self.state / "programs" / f"{name}.conf").write_text(config.program(program))


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="portico-") as state:
        place = Place(Path(state))
        yield place
        if place.supervisor.running():
            place.supervisor.shutdown()


def pid(place: Place, name: str) -> int:
    return place.supervisor.processes()[name].pid


def until(place: Place, name: str, state: str) -> None:
    while place.supervisor.processes()[name].state != state:
        time.sleep(0.01)


def test_it_runs_from_start_to_shutdown(place: Place) -> None:
    assert not place.supervisor.running()
    place.supervisor.start()
    assert place.supervisor.running()
    place.supervisor.shutdown()
    assert not place.supervisor.running()


def test_a_program_more_is_started_and_no_other_is_touched(place: Place) -> None:
    place.write("one")
    place.supervisor.start()
    until(place, "one", "starting")
    before = pid(place, "one")
    place.write("two")
    assert place.supervisor.update()
    assert set(place.supervisor.processes()) == {"one", "two"}
    assert pid(place, "one") == before
    assert not place.supervisor.update()


def test_a_program_less_is_gone_when_update_returns(place: Place) -> None:
    place.write("one")
    place.supervisor.start()
    until(place, "one", "running")
    gone = pid(place, "one")
    (place.state / "programs/one.conf").unlink()
    assert place.supervisor.update()
    assert place.supervisor.processes() == {}
    assert not Path(f"/proc/{gone}").exists()


def test_a_program_that_changed_is_another_process(place: Place) -> None:
    place.write("one")
    place.supervisor.start()
    until(place, "one", "running")
    before = pid(place, "one")
    place.write("one", PATIENT + " ")
    assert place.supervisor.update()
    assert pid(place, "one") not in (0, before)


def test_what_was_stopped_is_revived(place: Place) -> None:
    place.write("one")
    place.supervisor.start()
    place.supervisor.stop(["one"])
    assert place.supervisor.processes()["one"].uptime is None
    assert place.supervisor.revive()
    assert not place.supervisor.revive()
    assert pid(place, "one")


def test_a_program_that_ends_at_once_has_failed(place: Place) -> None:
    place.write("one", "exit(1)")
    place.supervisor.start()
    until(place, "one", "backoff")
    assert place.supervisor.processes()["one"].failed


def test_a_supervisord_that_cannot_start_is_told_with_its_own_words(place: Place) -> None:
    place.config.write_text("[supervisord]\nlogfile=/nonexistent/x.log\n")
    with pytest.raises(Refusal, match=r"supervisord did not start: .*nonexistent"):
        place.supervisor.start()


def test_a_program_that_is_started_again_while_it_is_taken_away_goes_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had ended by itself, so its stop was nobody's; supervisord then says STILL_RUNNING."""
    place.write("one")
    place.supervisor.start()
    until(place, "one", "running")
    stop, asked = place.supervisor.stop, list[object]()

    def late(names: list[str]) -> None:
        asked.append(names)
        if len(asked) > 1:
            stop(names)

    monkeypatch.setattr(place.supervisor, "stop", late)
    (place.state / "programs/one.conf").unlink()
    assert place.supervisor.update()
    assert place.supervisor.processes() == {}


def test_only_what_is_named_is_taken_over_and_the_rest_is_pending(place: Place) -> None:
    place.write("one")
    place.supervisor.start()
    place.write("two")
    place.write("three")
    assert place.supervisor.pending() == {"two", "three"}
    assert place.supervisor.update(["two"])
    assert set(place.supervisor.processes()) == {"one", "two"}
    assert place.supervisor.pending() == {"three"}
