from dataclasses import dataclass, field

import pytest

from deploy import rollout
from deploy.engine import Refusal


@dataclass
class Steps:
    """A fleet that remembers what it was asked; the step that is named `fails` is refused."""

    changed: list[str] = field(default_factory=lambda: ["orders", "gateway"])
    fails: str = ""
    applies: bool = False
    taken: list[str] = field(default_factory=list)

    def prepare(self, *, everything: bool) -> list[str]:
        self._take("prepare everything" if everything else "prepare")
        return self.changed

    def prepare_previous(self) -> list[str]:
        self._take("prepare previous")
        return self.changed

    def migrate(self) -> None:
        self._take("migrate")

    def apply(self) -> bool:
        self._take("apply")
        return self.applies

    def rehearse(self, function: str) -> None:
        self._take(f"rehearse {function}")

    def replace(self, function: str) -> None:
        self._take(f"replace {function}")

    def keep(self) -> None:
        self._take("keep")

    def turn_back(self) -> None:
        self._take("turn back")

    def _take(self, step: str) -> None:
        self.taken.append(step)
        if step == self.fails:
            raise Refusal(step)


ROLL = ["rehearse orders", "rehearse gateway", "replace orders", "apply", "replace gateway", "keep"]


def test_a_deploy_migrates_then_rehearses_everything_and_only_then_replaces() -> None:
    steps = Steps()
    assert rollout.deploy(steps) == ["orders", "gateway"]
    assert steps.taken == ["prepare", "migrate", *ROLL]


def test_no_instance_is_touched_when_nothing_differs() -> None:
    steps = Steps(changed=[])
    assert rollout.deploy(steps, everything=True) == []
    assert steps.taken == ["prepare everything", "apply", "keep"]


def test_manifests_alone_are_a_version_too() -> None:
    steps = Steps(changed=[], applies=True)
    assert rollout.deploy(steps) == [rollout.MANIFESTS]
    assert rollout.rollback(steps) == [rollout.MANIFESTS]


def test_routes_come_after_the_functions_that_serve_them_where_no_gateway_is_replaced() -> None:
    steps = Steps(changed=["orders"], applies=True)
    assert rollout.deploy(steps) == ["orders", rollout.MANIFESTS]
    assert steps.taken[-3:] == ["replace orders", "apply", "keep"]


@pytest.mark.parametrize("fails", ["prepare", "migrate", *ROLL])
def test_whatever_is_refused_is_turned_back_and_goes_no_further(fails: str) -> None:
    steps = Steps(fails=fails)
    with pytest.raises(Refusal, match=fails):
        rollout.deploy(steps)
    assert steps.taken[-2:] == [fails, "turn back"]


def test_a_rollback_rehearses_too_and_leaves_schemas_alone() -> None:
    steps = Steps()
    assert rollout.rollback(steps) == ["orders", "gateway"]
    assert steps.taken == ["prepare previous", *ROLL]


def test_a_rollback_that_is_refused_leaves_what_runs() -> None:
    steps = Steps(fails="rehearse gateway")
    with pytest.raises(Refusal):
        rollout.rollback(steps)
    assert steps.taken[-1] == "turn back"
