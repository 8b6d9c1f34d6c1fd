import threading
from dataclasses import dataclass, field, replace

import pytest

from deploy import rollout
from deploy.engine import GATEWAY, Refusal
from deploy.plan import Plan

PLAN = Plan(added=("zoo",), changed=("orders", "users", "gateway"), removed=("old",))


@dataclass
class Steps:
    """A fleet that remembers what it was asked; the step that is named `fails` is refused."""

    changed: Plan = field(default_factory=lambda: Plan(changed=("orders", "gateway")))
    fails: str = ""
    applies: bool = False
    taken: list[str] = field(default_factory=list)
    mends: bool = False
    meeting: threading.Barrier | None = None  # where those meet that are asked to be replaced

    def prepare(self, *, everything: bool) -> Plan:
        self._take("prepare everything" if everything else "prepare")
        return self.changed

    def prepare_previous(self) -> Plan:
        self._take("prepare previous")
        return self.changed

    def migrate(self, function: str) -> None:
        self._take(f"migrate {function}")

    def apply(self, *, replacing: bool) -> bool:
        assert replacing == (GATEWAY in self.changed.changed)
        self._take("apply")
        return self.applies

    def rehearse(self, function: str) -> None:
        self._take(f"rehearse {function}")

    def start(self, function: str) -> None:
        self._take(f"start {function}")

    def replace(self, function: str) -> None:
        if self.meeting:
            self.meeting.wait(30)
        self._take(f"replace {function}")

    def keep(self) -> None:
        self._take("keep")

    def end(self, function: str) -> None:
        self._take(f"end {function}")

    def settle(self) -> bool:
        self._take("settle")
        return self.mends

    def turn_back(self) -> None:
        self._take("turn back")

    def _take(self, step: str) -> None:
        self.taken.append(step)
        if step == self.fails:
            raise Refusal(step)


TRY = ["migrate orders", "rehearse orders", "rehearse gateway"]
ROLL = ["replace orders", "apply", "replace gateway", "keep"]


def before(steps: Steps, first: str, second: str) -> bool:
    return steps.taken.index(first) < steps.taken.index(second)


def test_nothing_is_replaced_before_everything_was_tried() -> None:
    steps = Steps()
    assert rollout.deploy(steps) == Plan(changed=("orders", "gateway"))
    assert steps.taken[0] == "prepare"
    assert sorted(steps.taken[1:4]) == sorted(TRY)
    assert steps.taken[4:] == [*ROLL, "settle"]


def test_manifests_alone_are_a_version_too() -> None:
    assert rollout.deploy(Steps(Plan(), applies=True)) == Plan(manifests=True)
    assert rollout.rollback(Steps(Plan(), applies=True)) == Plan(manifests=True)


def test_routes_come_after_the_functions_that_serve_them_where_no_gateway_is_replaced() -> None:
    steps = Steps(Plan(changed=("orders",)), applies=True)
    assert rollout.deploy(steps) == Plan(changed=("orders",), manifests=True)
    assert steps.taken[-4:] == ["replace orders", "apply", "keep", "settle"]


def test_a_schema_is_up_to_date_before_what_needs_it_is_tried() -> None:
    steps = Steps(PLAN)
    rollout.deploy(steps)
    for name in ("zoo", "orders", "users"):
        assert before(steps, f"migrate {name}", f"rehearse {name}")


def test_what_is_new_runs_before_gateways_lead_there_and_what_goes_ends_after_none_does() -> None:
    steps = Steps(PLAN)
    assert rollout.deploy(steps) == PLAN
    assert before(steps, "rehearse zoo", "start zoo")
    for name in ("start zoo", "replace orders", "replace users", "apply"):
        assert before(steps, name, "replace gateway")
    assert steps.taken[-3:] == ["keep", "end old", "settle"]


def test_functions_are_replaced_side_by_side() -> None:
    steps = Steps(Plan(changed=("orders", "users")), meeting=threading.Barrier(2))
    rollout.deploy(steps)
    assert steps.taken[-2:] == ["keep", "settle"]


def test_what_is_kept_running_is_brought_in_line_where_nothing_differs() -> None:
    steps = Steps(Plan(), mends=True)
    assert rollout.deploy(steps, everything=True) == Plan(mended=True)
    assert steps.taken == ["prepare everything", "apply", "settle"]
    assert not rollout.deploy(Steps(Plan()))


@pytest.mark.parametrize("fails", ["prepare", *TRY, *ROLL])
def test_whatever_is_refused_is_turned_back_and_goes_no_further(fails: str) -> None:
    steps = Steps(fails=fails)
    with pytest.raises(Refusal, match=fails):
        rollout.deploy(steps)
    assert steps.taken[-1] == "turn back"
    if fails not in ROLL:
        assert not {*ROLL} & {*steps.taken}


def test_what_no_gateway_leads_to_any_more_does_not_bring_the_old_version_back() -> None:
    steps = Steps(PLAN, fails="end old")
    with pytest.raises(Refusal, match="end old"):
        rollout.deploy(steps)
    assert steps.taken[-1] == "end old"


@dataclass
class Interrupted(Steps):
    """One that somebody interrupts while functions are replaced."""

    def apply(self, *, replacing: bool) -> bool:
        super().apply(replacing=replacing)
        raise KeyboardInterrupt


def test_whoever_interrupts_has_what_was_replaced_back() -> None:
    steps = Interrupted(replace(PLAN, removed=()))
    with pytest.raises(KeyboardInterrupt):
        rollout.deploy(steps)
    assert steps.taken[-2:] == ["apply", "turn back"]


def test_a_rollback_rehearses_too_and_leaves_schemas_alone() -> None:
    steps = Steps()
    assert rollout.rollback(steps) == Plan(changed=("orders", "gateway"))
    assert sorted(steps.taken[1:3]) == ["rehearse gateway", "rehearse orders"]
    assert [steps.taken[0], *steps.taken[3:]] == ["prepare previous", *ROLL]


def test_a_rollback_that_is_refused_leaves_what_runs() -> None:
    steps = Steps(fails="rehearse gateway")
    with pytest.raises(Refusal):
        rollout.rollback(steps)
    assert steps.taken[-1] == "turn back"
