"""Deploys on the local engine: what runs before, during and after, with functions of thirty lines."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import rollout
from deploy.engine import Refusal
from deploy.local.engine import LocalEngine
from deploy.local.programs import instance

ROOT = Path(__file__).parents[4]


def pids(engine: LocalEngine) -> dict[str, int]:
    return {instance.name: instance.pid for instance in engine.ps()}


def deploy(engine: LocalEngine, *, everything: bool = False) -> list[str]:
    with engine.fleet() as fleet:
        return [*rollout.deploy(fleet, everything=everything).changed]


def rollback(engine: LocalEngine) -> list[str]:
    with engine.fleet() as fleet:
        return [*rollout.rollback(fleet).changed]


def version(engine: LocalEngine) -> str:
    return (engine._layout.home("users") / "functions/users/version").read_text()


@pytest.fixture
def running(engine: LocalEngine, checkout: Path) -> LocalEngine:
    """Two instances of the first version."""
    (checkout / "functions/users/version").write_text("one")
    engine.up()
    engine.scale("users", 2)
    return engine


def test_a_deploy_replaces_every_instance_of_what_was_edited_and_no_other(running: LocalEngine, checkout: Path) -> None:
    before = pids(running)
    (checkout / "functions/users/version").write_text("two")
    assert deploy(running) == ["users"]
    after = pids(running)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"users-1", "users-2"}
    assert version(running) == "two"


def test_a_deploy_of_what_runs_touches_nothing(running: LocalEngine) -> None:
    before = pids(running)
    assert deploy(running) == []
    assert pids(running) == before


def test_everything_is_restarted_if_that_is_asked(running: LocalEngine) -> None:
    before = pids(running)
    assert deploy(running, everything=True) == ["users", "gateway"]
    after = pids(running)
    assert {name for name in before if before[name] == after[name]} == {"nginx", "redis", "redis-cache"}


@pytest.mark.parametrize(
    ("fault", "why"),
    [("broken", "it stopped right after its start"), ("wrong", "GET /smoke was answered 500")],
)
def test_a_version_that_does_not_work_replaces_nothing(
    running: LocalEngine, checkout: Path, fault: str, why: str
) -> None:
    before = pids(running)
    (checkout / "functions/users/version").write_text("two")
    (checkout / "functions/users" / fault).touch()
    with pytest.raises(Refusal, match=why):
        deploy(running)
    assert pids(running) == before
    assert version(running) == "one"


def test_a_version_that_fails_half_way_is_turned_back(
    running: LocalEngine, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "functions/users/version").write_text("two")
    with running.fleet() as fleet:
        start = fleet._start

        def failing(program: object) -> None:
            if getattr(program, "name", "") == "users-2" and version(running) == "two":
                raise Refusal("users-2 stopped right after its start.")
            start(program)  # type: ignore[arg-type]

        monkeypatch.setattr(fleet, "_start", failing)
        with pytest.raises(Refusal, match="users-2 stopped"):
            rollout.deploy(fleet)
    assert version(running) == "one"
    assert pids(running).keys() == {"nginx", "gateway-1", "users-1", "users-2", "redis", "redis-cache"}
    assert deploy(running) == ["users"]


def test_a_rollback_brings_back_what_was_replaced_and_another_one_undoes_it(
    running: LocalEngine, checkout: Path
) -> None:
    (checkout / "functions/users/version").write_text("two")
    deploy(running)
    assert rollback(running) == ["users"]
    assert version(running) == "one"
    assert rollback(running) == ["users"]
    assert version(running) == "two"


def test_without_a_deploy_there_is_nothing_to_go_back_to(running: LocalEngine) -> None:
    with pytest.raises(Refusal, match="nothing to go back to"):
        rollback(running)


def test_an_instance_that_crashes_comes_back_as_it_was_whatever_was_edited(
    running: LocalEngine, checkout: Path
) -> None:
    (checkout / "functions/users/broken").touch()
    running._supervisor._call("signalProcess", "users-1", str(int(signal.SIGKILL)))
    running._until_ready()
    assert version(running) == "one"


def add(checkout: Path, name: str, more: str = "") -> None:
    (checkout / "functions" / name).mkdir()
    (checkout / "functions" / name / "function.toml").write_text(f'name = "{name}"\n[app]\nmodule = "it"\n{more}')


def again(engine: LocalEngine) -> LocalEngine:
    return LocalEngine(engine._layout.root, engine._environment, say=lambda _: None)


def test_a_new_function_is_taken_in_by_a_deploy_too_and_one_that_is_gone_ends(
    running: LocalEngine, checkout: Path
) -> None:
    add(checkout, "zoo")
    before = pids(running)
    with again(running).fleet() as fleet:
        assert rollout.deploy(fleet).added == ("zoo",)
    after = pids(again(running))
    assert after.keys() - before.keys() == {"zoo-1"}
    assert {name for name in before if before[name] != after[name]} == set()
    shutil.rmtree(checkout / "functions/zoo")
    assert "zoo-1" in pids(again(running))  # until an `up` it is shown, as it runs
    with again(running).fleet() as fleet:
        assert rollout.deploy(fleet).removed == ("zoo",)
    assert pids(again(running)).keys() == before.keys()


def test_an_up_replaces_what_was_edited_and_keeps_how_many_run(running: LocalEngine, checkout: Path) -> None:
    before = pids(running)
    (checkout / "functions/users/version").write_text("two")
    assert again(running).up()
    after = pids(running)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"users-1", "users-2"}
    assert not again(running).up()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ('dedline = "5s"\n', "functions/zoo/function.toml.*dedline"),
        ('[[route]]\nmatch = "GET /a"\ndeadline = "60s"\n', "functions/zoo/function.toml.*deadline"),
        ('[[route]]\nmatch = "GET /a"\n[[route]]\nmatch = "GET /a"\n', "functions/zoo/function.toml.*GET /a"),
    ],
)
def test_a_checkout_that_cannot_be_served_changes_nothing_by_any_verb(
    running: LocalEngine, checkout: Path, fault: str, told: str
) -> None:
    before = pids(running)
    (checkout / "functions/users/version").write_text("two")
    add(checkout, "zoo", fault)
    with pytest.raises(Refusal, match=told):
        again(running).up()
    with pytest.raises(Refusal, match=told), again(running).fleet() as fleet:
        rollout.deploy(fleet)
    assert pids(again(running)) == before
    assert version(running) == "one"
    (checkout / "functions/zoo/function.toml").write_text('name = "zoo"\n[app]\nmodule = "it"\n')
    assert again(running).up()
    assert pids(again(running)).keys() - before.keys() == {"zoo-1"}


def test_a_schema_that_cannot_be_brought_up_to_date_changes_nothing(running: LocalEngine, checkout: Path) -> None:
    before = pids(running)
    add(checkout, "zoo")
    (checkout / "functions/zoo/schema").mkdir()
    (checkout / "functions/zoo/schema/0001_animals.sql").write_text("CREATE TABEL animals (name TEXT)")
    with pytest.raises(Refusal, match=r"The schema of zoo .*0001_animals.sql"):
        again(running).up()
    assert pids(again(running)) == before


def test_a_new_function_that_fails_when_it_is_started_is_gone_again(
    running: LocalEngine, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(running)
    add(checkout, "zoo")
    (checkout / "functions/users/version").write_text("two")
    with again(running).fleet() as fleet:
        monkeypatch.setattr(fleet, "apply", failing)
        with pytest.raises(Refusal, match="on purpose"):
            rollout.deploy(fleet)
    assert pids(again(running)).keys() == before.keys()
    assert version(running) == "one"


def failing(**_: object) -> bool:
    raise Refusal("on purpose")


def test_what_was_given_up_or_stopped_is_mended_by_an_up(running: LocalEngine, checkout: Path) -> None:
    before = pids(running)
    broken = running._layout.home("users") / "functions/users/broken"
    broken.touch()
    running._supervisor._call("signalProcess", "users-1", str(int(signal.SIGKILL)))
    while running._supervisor.processes()["users-1"].state != "backoff":
        os.sched_yield()
    running._supervisor.stop(["gateway-1"])
    assert {row.name: row.state for row in running.ps()}["users-1"] == "backoff"
    (checkout / "functions/users/version").write_text("two")
    assert again(running).up()
    assert {row.state for row in running.ps()} == {"ready"}
    assert pids(running).keys() == before.keys()
    assert version(running) == "two"


def test_a_change_that_was_cut_short_is_shown_as_it_is_and_mended(running: LocalEngine) -> None:
    running._roster.remove("users-2")
    running._supervisor.update()
    rows = {row.name: row.state for row in again(running).ps()}
    assert "users-2" not in rows
    running._roster.add(instance(running._layout, "users", 2))  # written down, and not started
    assert {row.name: row.state for row in again(running).ps()}["users-2"] == "stopped"
    assert again(running).up()
    assert {row.name: row.state for row in again(running).ps()}["users-2"] == "ready"


def test_scaling_takes_in_nothing_else_of_the_checkout(running: LocalEngine, checkout: Path) -> None:
    before = pids(running)
    add(checkout, "zoo")
    (checkout / "functions/users/version").write_text("two")
    again(running).scale("users", 3)
    after = pids(again(running))
    assert after.keys() - before.keys() == {"users-3"}
    assert {name: after[name] for name in before} == before


def test_a_version_that_does_not_work_is_told_with_the_place_and_the_log(running: LocalEngine, checkout: Path) -> None:
    (checkout / "functions/users/broken").touch()
    with pytest.raises(
        Refusal, match=r"users does not work: it stopped(.|\n)*the settings are wrong(.|\n)*users-trial\.log"
    ):
        deploy(running)


def test_each_step_is_told_with_its_time(running: LocalEngine, checkout: Path) -> None:
    said: list[str] = []
    (checkout / "functions/users/version").write_text("two")
    LocalEngine(checkout, running._environment, say=said.append).up()
    whats = [re.sub(r" \([0-9.]+ s\)$", "", line) for line in said]
    assert whats == [
        "all functions: read and copied",
        "users: tried the new version: it works",
        "users: started a spare instance",
        "users: replaced instance 1 of 2",
        "users: replaced instance 2 of 2",
    ]


UP = """
import os, sys
from pathlib import Path
from deploy import verbs
from deploy.local.engine import LocalEngine
verbs.up(LocalEngine(Path(sys.argv[1]), os.environ, say=lambda text: print(text, flush=True)))
"""


@pytest.mark.parametrize("when", ["read and copied", "spare instance", "replaced instance 1"])
def test_two_interruptions_leave_the_version_of_before_and_a_listing_that_is_true(
    running: LocalEngine, checkout: Path, when: str
) -> None:
    (checkout / "functions/users/version").write_text("two")
    add(checkout, "zoo")
    command = [sys.executable, "-c", UP, str(checkout)]
    told = {**os.environ, **running._environment}
    with subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        while when not in up.stdout.readline():
            assert up.poll() is None
        up.send_signal(signal.SIGINT)
        up.send_signal(signal.SIGTERM)
        up.communicate()
        assert up.returncode != 0
    assert version(running) == "one"
    rows = {row.name: row for row in again(running).ps()}
    assert {name: row.state for name, row in rows.items()} == dict.fromkeys(
        ["nginx", "gateway-1", "users-1", "users-2", "redis", "redis-cache"], "ready"
    )
    assert all(Path(f"/proc/{row.pid}").exists() for row in rows.values())
    assert again(running).up()
    assert {row.state for row in again(running).ps()} == {"ready"}
    assert version(running) == "two"


def edited(checkout: Path, body: str) -> None:
    """Another policy of users."""
    manifest = checkout / "functions/users/function.toml"
    plain = manifest.read_text().partition("[[route]]")[0]
    manifest.write_text(f'{plain}[[route]]\nmatch = "PUT /a"\nbody = "{body}"\n')


def revisions(engine: LocalEngine) -> set[str]:
    return {instance.revision for instance in engine.ps() if instance.name.startswith("gateway")}


def test_a_manifest_is_taken_in_by_who_runs_and_a_rollback_brings_back_the_one_of_before(
    running: LocalEngine, checkout: Path
) -> None:
    before, first = pids(running), revisions(running)
    edited(checkout, "2MiB")
    applied = running.apply()
    assert applied.changed
    assert revisions(running) == {applied.revision} != first
    assert "client_max_body_size 2097152;" in (running._layout.revisions / "current" / "bodies.conf").read_text()
    assert not running.apply().changed
    edited(checkout, "3MiB")
    assert deploy(running) == []
    assert rollback(running) == []
    assert revisions(running) == {applied.revision}
    assert pids(running) == before


def test_a_manifest_comes_with_the_code_and_goes_with_it(running: LocalEngine, checkout: Path) -> None:
    first = revisions(running)
    edited(checkout, "2MiB")
    (checkout / "functions/users/version").write_text("two")
    assert deploy(running) == ["users"]
    assert revisions(running) != first
    assert rollback(running) == ["users"]
    assert (revisions(running), version(running)) == (first, "one")


def test_a_gateway_that_is_added_serves_what_was_applied(running: LocalEngine, checkout: Path) -> None:
    edited(checkout, "2MiB")
    running.apply()
    running.scale("gateway", 3)
    assert len(revisions(running)) == 1


def test_keys_are_no_matter_for_gateways_that_run(running: LocalEngine, checkout: Path) -> None:
    before, first = pids(running), revisions(running)
    manifest = checkout / "functions/users/function.toml"
    manifest.write_text(manifest.read_text() + '[api_keys]\nprefix = "a_"\nswap = "/b"\n')
    assert running.apply().beyond == ["users: api_keys: is another, and gateways ask for tokens there"]
    assert (pids(running), revisions(running)) == (before, first)
    assert deploy(running) == ["gateway"]
    after = pids(running)
    assert {name for name in before if before[name] != after[name]} == {"gateway-1"}
    assert revisions(running) != first
