from dataclasses import dataclass, field

import pytest

from deploy.chaos.faults import FAULTS, Fault, chosen
from deploy.chaos.summary import Promise
from deploy.engine import Refusal

LOCAL = ["nginx", "gateway-1", "users-1", "orders-1", "redis"]
DOCKER = ["nginx-1", "gateway-3", "gateway-4", "users-1", "orders-1", "redis-1", "redis-cache-1", "postgres-1"]


@dataclass
class Noted:
    """A scene on which nothing happens: it remembers what it was asked."""

    there: list[str]
    done: list[tuple[object, ...]] = field(default_factory=list)

    def scale(self, function: str, instances: int) -> None:
        self.done.append(("scale", function, instances))

    def kill(self, instance: str) -> None:
        self.done.append(("kill", instance))

    def end(self, instance: str) -> None:
        self.done.append(("end", instance))

    def kill_worker(self, instance: str) -> None:
        self.done.append(("kill worker", instance))

    def freeze(self, instance: str, seconds: float) -> None:
        self.done.append(("freeze", instance, seconds))

    def instances(self, service: str) -> list[str]:
        return [name for name in self.there if service in (name, name.rpartition("-")[0])]

    def apply_upstream(self) -> None:
        self.done.append(("apply upstream",))

    def apply_limits(self, times: int) -> None:
        self.done.append(("apply limits", times))

    def apply_typo(self) -> None:
        self.done.append(("apply typo",))

    def add(self) -> None:
        self.done.append(("add",))

    def change(self) -> None:
        self.done.append(("change",))

    def mistype(self) -> None:
        self.done.append(("mistype",))

    def remove(self) -> None:
        self.done.append(("remove",))

    def deploy(self) -> None:
        self.done.append(("deploy",))

    def fail_to_deploy(self) -> None:
        self.done.append(("fail to deploy",))

    def roll_back(self) -> None:
        self.done.append(("roll back",))

    def offend(self) -> None:
        self.done.append(("offend",))


def named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_postgresql_is_killed_where_there_is_one() -> None:
    assert [fault.name for fault in chosen(Noted(DOCKER), short=False)] == [fault.name for fault in FAULTS]
    local = {fault.name for fault in chosen(Noted(LOCAL), short=False)}
    assert {fault.name for fault in FAULTS} - local == {"kill PostgreSQL"}


def test_a_short_run_has_fewer_faults() -> None:
    assert set(chosen(Noted(DOCKER), short=True)) < set(FAULTS)


def test_faults_are_chosen_by_their_names() -> None:
    assert {fault.name[:3] for fault in chosen(Noted(LOCAL), short=False, only="up: ")} == {"up:"}
    with pytest.raises(Refusal, match="No fault has earthquake in its name: there are nothing, scale up,"):
        chosen(Noted(LOCAL), short=False, only="earthquake")


def test_every_fault_does_something_to_instances_that_are_there() -> None:
    for scene in (Noted(LOCAL), Noted(DOCKER)):
        for fault in chosen(scene, short=False):
            scene.done.clear()
            fault.act(scene)
            assert bool(scene.done) == (fault.name != "nothing")
            struck = {str(what[1]) for what in scene.done if what[0] in ("kill", "end", "freeze", "kill worker")}
            assert struck <= set(scene.there)


def test_both_kinds_of_redis_are_killed_at_once() -> None:
    scene = Noted(DOCKER)
    named("kill Redis").act(scene)
    assert scene.done == [("kill", "redis-1"), ("kill", "redis-cache-1")]


def test_only_nginx_and_postgresql_may_have_the_client_send_again() -> None:
    assert [fault.name for fault in FAULTS if fault.promise is Promise.RESENT] == [
        "kill an nginx worker",
        "kill PostgreSQL",
    ]


def test_after_a_deploy_the_first_instance_is_one_that_is_there() -> None:
    scene = Noted(DOCKER)
    named("kill a gateway").act(scene)
    assert scene.done == [("kill", "gateway-3")]


def test_what_does_not_run_cannot_be_killed() -> None:
    with pytest.raises(Refusal, match="No orders runs"):
        named("kill an orders").act(Noted(["nginx", "gateway-1"]))


def test_odd_requests_come_to_one_gateway_and_to_four_of_a_version_that_knows_the_odd_service() -> None:
    names = [fault.name for fault in FAULTS]
    assert names.index("deploy") < names.index("odd requests, 1 gateway") < names.index("roll back")
    for gateways in (1, 4):
        scene = Noted(LOCAL)
        named(f"odd requests, {gateways} gateway{'s' if gateways > 1 else ''}").act(scene)
        assert scene.done == [("scale", "gateway", gateways), ("offend",), ("scale", "gateway", 2)]
