"""Rows of what runs and of what should, where the two differ."""

from pathlib import Path

import pytest

from deploy.local import readiness
from deploy.local.layout import Layout
from deploy.local.listing import listed
from deploy.local.roster import Roster
from deploy.local.supervisor.client import Process


@pytest.fixture
def roster(checkout: Path, environment: dict[str, str]) -> Roster:
    """With everything that should run written down."""
    layout = Layout.read(checkout, environment)
    roster = Roster(layout)
    roster.write(roster.instances())
    return roster


def process(name: str, state: str = "running", pid: int = 7) -> Process:
    return Process(name, state, pid, 1, 3)


def test_what_is_written_down_and_unknown_is_stopped(roster: Roster) -> None:
    assert {row.state for row in listed(roster, {}, {})} == {"stopped"}


def test_who_answers_is_ready_and_who_does_not_is_as_supervisord_says(
    roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ready", lambda program: program.name == "users-1")
    known = {name: process(name) for name in ("users-1", "gateway-1")} | {"redis": process("redis", "backoff", 0)}
    states = {row.name: row.state for row in listed(roster, known, {})}
    assert (states["users-1"], states["gateway-1"], states["redis"]) == ("ready", "running", "backoff")


def test_whom_the_checkout_has_no_more_comes_last_and_is_told_apart(roster: Roster) -> None:
    rows = listed(roster, {"old-1": process("old-1")}, {})
    assert (rows[-1].name, rows[-1].state, rows[-1].pid) == ("old-1", "left-over", 7)


def test_what_only_the_checkout_knows_is_no_part_of_what_runs(
    roster: Roster, checkout: Path, environment: dict[str, str]
) -> None:
    assert listed(roster, {}, {})
    (checkout / "functions/zoo").mkdir()
    (checkout / "functions/zoo/function.toml").write_text('name = "zoo"\n[app]\nmodule = "it"\n')
    again = Roster(Layout.read(checkout, environment))
    assert "zoo-1" not in {row.name for row in listed(again, {}, {})}


def test_gateways_say_which_manifests_they_serve(roster: Roster) -> None:
    rows = listed(roster, {"gateway-1": process("gateway-1")}, {"gateway-1": "abc"})
    assert {row.name: row.revision for row in rows if row.revision} == {"gateway-1": "abc"}
