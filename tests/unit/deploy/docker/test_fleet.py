from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from deploy import rollout
from deploy.docker import fleet as module
from deploy.docker import images, settled
from deploy.docker.fleet import DockerFleet
from deploy.docker.images import Pointers
from deploy.engine import Refusal
from deploy.revisions import Revisions

if TYPE_CHECKING:
    from deploy.docker.compose import Compose
    from deploy.manifests import Manifests


class Daemon:
    """Containers and tags as Docker keeps them, and what was done to them, in order."""

    project = "portico"

    def __init__(self, orders: int) -> None:
        self.tags = {"orders": "new", "orders-previous": ""}
        self.running = [self.container(number, "old") for number in range(1, orders + 1)]
        self.done: list[str] = []
        self.looks = 0
        self.sick = 0  # the number of the container that does not get healthy

    def container(self, number: int, image: str, state: str = "healthy") -> dict[str, Any]:
        labels = {
            "com.docker.compose.service": "orders",
            "com.docker.compose.container-number": str(number),
            "com.docker.compose.config-hash": "hash",
        }
        return {
            "Id": str(number),
            "Image": image,
            "Config": {"Labels": labels},
            "State": {"Health": {"Status": state}},
            "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        }

    def containers(self, *services: str, ended: bool = False) -> list[dict[str, Any]]:
        assert ended or services == ("nginx",)
        return list(self.running) if services != ("nginx",) else []

    def call(self, verb: str, *arguments: str) -> str:
        if verb == "config":
            return "orders" if arguments == ("--services",) else "orders hash"
        number = max((int(found["Id"]) for found in self.running), default=0) + 1
        self.done.append(f"add {number}")
        self.running.append(self.container(number, self.tags["orders"], "" if number == self.sick else "healthy"))
        if number == self.sick:
            self.sick = 0
            raise Refusal("unhealthy")
        return ""

    def drop(self, container: dict[str, Any]) -> None:
        self.done.append(f"drop {container['Id']}")
        self.running = [found for found in self.running if found["Id"] != container["Id"]]

    def known(self) -> str:
        """What a gateway knows, which is every second time too little."""
        self.looks += 1
        healthy = sum(found["State"]["Health"]["Status"] == "healthy" for found in self.running)
        self.done.append("know" if self.looks % 2 else "know all")
        return f'portico_gateway_upstream_instances{{function="orders"}} {healthy - self.looks % 2}\n'

    def point(self, tag: str, pointers: Pointers) -> None:
        self.tags[tag], self.tags[f"{tag}-previous"] = pointers

    def pointers(self, tag: str) -> Pointers:
        return Pointers(self.tags[tag], self.tags[f"{tag}-previous"])

    @property
    def changes(self) -> list[str]:
        return [each for each in self.done if not each.startswith("know")]

    @property
    def versions(self) -> list[str]:
        return [found["Image"] for found in self.running]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """Two instances of the old image; a build has made a new one."""
    made = Daemon(2)
    monkeypatch.setattr(images, "point", made.point)
    monkeypatch.setattr(images, "pointers", made.pointers)
    monkeypatch.setattr(module, "_drop", made.drop)
    monkeypatch.setattr(module, "pages", lambda _: {"gateway-1": made.known})
    monkeypatch.setattr(settled, "begin", lambda _: None)
    monkeypatch.setattr(DockerFleet, "rehearse", lambda *_: None)
    return made


class Still:
    """Manifests that are the same all the time."""

    def __init__(self) -> None:
        self.revisions = Revisions(Path("nowhere"))

    def keep(self) -> str:
        return ""

    def beyond(self, _before: str, _revision: str) -> list[str]:
        return []


def fleet(daemon: Daemon) -> DockerFleet:
    return DockerFleet(
        cast("Compose", daemon),
        {"orders": "orders"},
        root=Path("/nowhere"),
        with_data=[],
        manifests=cast("Manifests", Still()),
        build=lambda: None,
        settle=lambda _: False,
        say=lambda _: None,
    )


def test_each_old_one_goes_only_when_every_gateway_knows_a_new_one(daemon: Daemon) -> None:
    assert rollout.deploy(fleet(daemon)).changed == ("orders",)
    assert daemon.done == [
        *("add 3", "know", "know all", "drop 1"),
        *("add 4", "know", "know all", "drop 2"),
    ]
    assert daemon.versions == ["new", "new"]
    assert daemon.pointers("orders") == Pointers("new", "old")


def test_one_that_does_not_get_healthy_is_dropped_and_the_old_ones_are_back(daemon: Daemon) -> None:
    daemon.sick = 4  # the second of the new ones: one old container is gone by then
    with pytest.raises(Refusal, match="unhealthy"):
        rollout.deploy(fleet(daemon))
    assert daemon.versions == ["old", "old"]
    assert daemon.changes == ["add 3", "drop 1", "add 4", "drop 4", "add 4", "drop 3"]
    assert daemon.pointers("orders") == Pointers("old", "")


def test_a_rollback_swaps_the_two_images(daemon: Daemon) -> None:
    rollout.deploy(fleet(daemon))
    assert rollout.rollback(fleet(daemon)).changed == ("orders",)
    assert daemon.versions == ["old", "old"]
    assert daemon.pointers("orders") == Pointers("old", "new")


def test_without_a_deploy_there_is_nothing_to_go_back_to(daemon: Daemon) -> None:
    with pytest.raises(Refusal, match="nothing to go back to"):
        rollout.rollback(fleet(daemon))


def test_everything_is_replaced_if_that_is_asked_and_nothing_is_previous_then(daemon: Daemon) -> None:
    daemon.tags["orders"] = "old"
    assert not rollout.deploy(fleet(daemon))
    assert rollout.deploy(fleet(daemon), everything=True).changed == ("orders",)
    assert daemon.changes == ["add 3", "drop 1", "add 4", "drop 2"]
    assert daemon.pointers("orders") == Pointers("old", "")
