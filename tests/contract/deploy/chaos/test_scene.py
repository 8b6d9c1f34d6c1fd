"""Faults, done to processes that somebody keeps running."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy.backup.store import Store
from deploy.chaos import scene as scenes
from deploy.chaos.scene import EngineScene
from deploy.checked import check
from deploy.engine import Instance, Refusal
from tests.unit.deploy.test_rollout import Steps
from tests.unit.deploy.test_verbs import Still, Word

WAITS = "print('there', flush=True); input()"
STARTS = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {WAITS!r}, "a worker process"], stdin=subprocess.PIPE)
child.wait()
input()
"""


class Kept(Still):
    """An engine of real processes: whatever ends is started again as soon as anybody looks."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(kept={"users": Word("x"), "orders": Word("y")})
        self._names = names
        self._running: dict[str, subprocess.Popen[str]] = {}

    def ps(self) -> list[Instance]:
        for name in self._names:
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                self._end(name)
                self._running[name] = self._start(STARTS if name == "nginx" else WAITS)
        return [Instance(name, "", "ready", process.pid, 1.0) for name, process in self._running.items()]

    def stores(self) -> Mapping[str, Store]:
        return self.kept

    def end(self) -> None:
        for name in list(self._running):
            self._end(name)

    def _start(self, program: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        return process

    def _end(self, name: str) -> None:
        if process := self._running.pop(name, None):
            process.kill()
            process.communicate()


@pytest.fixture
def engine() -> Iterator[Kept]:
    """A gateway, a Redis, an nginx with a worker."""
    engine = Kept(["gateway-1", "redis", "nginx"])
    yield engine
    engine.end()


@pytest.fixture
def scene(engine: Kept) -> EngineScene:
    """At whose clock it is always seven."""
    scene = EngineScene(engine, lambda _: engine, Path(), clock=lambda: 7.0)
    scene.look()
    return scene


def pids(engine: Kept) -> dict[str, int]:
    return {instance.name: instance.pid for instance in engine.ps()}


@pytest.mark.parametrize("how", ["kill", "end"])
def test_what_was_killed_or_asked_to_end_is_another_process_once_all_is_whole(
    scene: EngineScene, engine: Kept, how: str
) -> None:
    before = pids(engine)
    getattr(scene, how)("gateway-1")
    assert scene.struck == 7.0
    assert scene.until_whole()
    after = pids(engine)
    assert {name for name in before if before[name] != after[name]} == {"gateway-1"}


def test_a_worker_is_killed_and_not_who_started_it(scene: EngineScene, engine: Kept) -> None:
    before = pids(engine)
    scene.kill_worker("nginx")
    assert scene.struck == 7.0
    assert pids(engine) == before
    with pytest.raises(Refusal, match="redis has no workers"):
        scene.kill_worker("redis")


def test_what_is_frozen_stands_still_and_then_goes_on(
    scene: EngineScene, engine: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state() -> str:
        return Path(f"/proc/{pids(engine)['redis']}/stat").read_text().rpartition(")")[2].split()[0]

    def stands_still(_: float) -> None:
        while state() != "T":  # a process on another core stops a moment after it is told
            os.sched_yield()

    monkeypatch.setattr("time.sleep", stands_still)
    scene.freeze("redis", 3.0)
    assert state() != "T"


def test_what_does_not_run_can_not_be_killed(scene: EngineScene) -> None:
    assert scene.instances("users") == []
    with pytest.raises(Refusal, match="users-1 does not run"):
        scene.kill("users-1")


def test_a_stack_that_does_not_get_ready_is_not_waited_for_for_ever(
    scene: EngineScene, engine: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_PATIENCE", 0.0)
    monkeypatch.setattr(engine, "ps", lambda: [Instance("gateway-1", "", "starting")])
    assert not scene.until_whole()


def test_every_function_runs_twice_for_the_time_of_a_run_and_then_as_before(engine: Kept, tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").touch()
    scene = EngineScene(engine, lambda _: engine, tmp_path)
    with scene.set():
        assert set(engine.asked) == {("gateway", 2), ("users", 2), ("orders", 2)}
        engine.asked.clear()
    assert set(engine.asked) == {("gateway", 1), ("users", 0), ("orders", 0)}


def test_deploys_are_of_a_copy_and_a_rollback_is_of_what_runs(engine: Kept, tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").touch()
    (tmp_path / "docker-compose.yml").write_text("include:\n      - functions/users/compose.yml\n")
    made: list[Path] = []

    def make(root: Path) -> Kept:
        made.append(root)
        return engine

    scene = EngineScene(engine, make, tmp_path)
    assert taken(engine, scene.deploy)[-2:] == ["keep", "settle"]
    assert taken(engine, scene.fail_to_deploy)[-1] == "turn back"
    assert taken(engine, scene.roll_back)[0] == "prepare previous"
    assert [root == tmp_path for root in made] == [False, False, True]
    assert not made[0].exists()


def taken(engine: Kept, act: Callable[[], None]) -> list[str]:
    """The steps of a fleet that is new."""
    engine.ships = Steps()
    act()
    return engine.ships.taken


def test_edits_are_made_in_a_copy_that_is_gone_afterwards(engine: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(root: Path) -> Kept:
        made.append(root)
        return engine

    def checked() -> bool:
        check(made[-1])
        return True

    root = Path(__file__).parents[4]
    scene = EngineScene(engine, make, root)
    monkeypatch.setattr(
        scene, "_status", lambda path: 200 if (made[-1] / "functions" / path.split("/")[1]).exists() else 404
    )
    with scene.set():
        scene.add()
        assert (made[-1] / "functions/visits/app.py").exists()
        scene.change()
        monkeypatch.setattr(engine, "up", checked)
        scene.mistype()
        scene.remove()
        assert scene.until_whole()
    assert root not in made
    assert not made[-1].exists()
