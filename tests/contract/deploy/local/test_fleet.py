"""Deploys on the local engine: what runs before, during and after, with functions of thirty lines."""

import signal
import socket
from pathlib import Path

import pytest

from deploy import rollout
from deploy.engine import Refusal
from deploy.local.engine import LocalEngine


def pids(engine: LocalEngine) -> dict[str, int]:
    return {instance.name: instance.pid for instance in engine.ps()}


def deploy(engine: LocalEngine, *, everything: bool = False) -> list[str]:
    with engine.fleet() as fleet:
        return rollout.deploy(fleet, everything=everything)


def rollback(engine: LocalEngine) -> list[str]:
    with engine.fleet() as fleet:
        return rollout.rollback(fleet)


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


def test_a_new_function_is_told_to_come_by_up(running: LocalEngine, checkout: Path) -> None:
    (checkout / "functions/zoo").mkdir()
    (checkout / "functions/zoo/function.toml").write_text('name = "zoo"\n[app]\nmodule = "it"\n')
    again = LocalEngine(checkout, running._environment, say=lambda _: None)
    with pytest.raises(Refusal, match="zoo never ran here: `just up` takes it in"):
        deploy(again)


def test_a_port_for_the_trial_that_is_taken_is_told(running: LocalEngine, checkout: Path) -> None:
    (checkout / "functions/users/version").write_text("two")
    with (
        socket.create_server(("127.0.0.1", running._layout.port + 2)),
        pytest.raises(Refusal, match="a new version is tried there"),
    ):
        deploy(running)


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
    assert deploy(running) == [rollout.MANIFESTS]
    assert rollback(running) == [rollout.MANIFESTS]
    assert revisions(running) == {applied.revision}
    assert pids(running) == before


def test_a_manifest_comes_with_the_code_and_goes_with_it(running: LocalEngine, checkout: Path) -> None:
    first = revisions(running)
    edited(checkout, "2MiB")
    (checkout / "functions/users/version").write_text("two")
    assert deploy(running) == ["users", rollout.MANIFESTS]
    assert revisions(running) != first
    assert rollback(running) == ["users", rollout.MANIFESTS]
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
    assert deploy(running) == ["gateway", rollout.MANIFESTS]
    after = pids(running)
    assert {name for name in before if before[name] != after[name]} == {"gateway-1"}
    assert revisions(running) != first
