"""The faults of a run, in their order, and what each may cost.

In: a Scene to do them to, which knows how. No engine is known here, and nothing is judged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from deploy.chaos.summary import Promise
from deploy.engine import GATEWAY

COPIES = 2  # of each function: one that goes leaves one
_FROZEN = 3.0  # seconds


class Scene(Protocol):
    """What can be done to a stack. Each method raises Refusal for what can't be done."""

    def scale(self, function: str, instances: int) -> None: ...

    def kill(self, instance: str) -> None:
        """As a crash does it."""

    def end(self, instance: str) -> None:
        """Asks it to stop; whoever keeps it starts it again."""

    def kill_worker(self, instance: str) -> None:
        """Kills one of the processes that it has started."""

    def freeze(self, instance: str, seconds: float) -> None:
        """It neither runs nor ends for so long."""

    def has(self, instance: str) -> bool: ...

    def deploy(self) -> None:
        """Another version of every function."""

    def fail_to_deploy(self) -> None:
        """One that gets into trouble when half of it is replaced, and has to be turned back."""

    def roll_back(self) -> None:
        """What the last deploy replaced."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`needs` is the instance without which it can't be done; `short`: part of a short run, too."""

    name: str
    promise: Promise
    act: Callable[[Scene], None]
    needs: str = ""
    short: bool = False


FAULTS = (
    Fault("nothing", Promise.NOTHING, lambda _: None),
    Fault("scale up", Promise.NOTHING, lambda scene: _scale(scene, 4), short=True),
    Fault("scale down", Promise.NOTHING, lambda scene: _scale(scene, COPIES), short=True),
    Fault("kill a gateway", Promise.IN_FLIGHT, lambda scene: scene.kill("gateway-1"), short=True),
    Fault("kill a users", Promise.IN_FLIGHT, lambda scene: scene.kill("users-1")),
    Fault("kill an orders", Promise.IN_FLIGHT, lambda scene: scene.kill("orders-1"), short=True),
    Fault("kill Redis", Promise.NOTHING, lambda scene: _each_redis(scene, scene.kill), short=True),
    Fault("freeze Redis", Promise.NOTHING, lambda scene: scene.freeze(_redis(scene)[0], _FROZEN)),
    Fault("restart Redis empty", Promise.NOTHING, lambda scene: _each_redis(scene, scene.end)),
    Fault("kill an nginx worker", Promise.RESENT, lambda scene: scene.kill_worker(_nginx(scene)), short=True),
    Fault("kill PostgreSQL", Promise.RESENT, lambda scene: scene.kill("postgres-1"), needs="postgres-1", short=True),
    Fault("deploy", Promise.NOTHING, lambda scene: scene.deploy()),
    Fault("roll back", Promise.NOTHING, lambda scene: scene.roll_back()),
    Fault("deploy that fails", Promise.NOTHING, lambda scene: scene.fail_to_deploy()),
)


def chosen(scene: Scene, *, short: bool) -> Sequence[Fault]:
    """Those that can be done to this stack."""
    return [fault for fault in FAULTS if (fault.short or not short) and (not fault.needs or scene.has(fault.needs))]


def _scale(scene: Scene, instances: int) -> None:
    for function in (GATEWAY, "users", "orders"):
        scene.scale(function, instances)


def _each_redis(scene: Scene, act: Callable[[str], None]) -> None:
    for name in _redis(scene):
        act(name)


def _redis(scene: Scene) -> list[str]:
    """Both engines have one for limits; there may be another for the cache."""
    return [name for name in ("redis", "redis-1", "redis-cache", "redis-cache-1") if scene.has(name)]


def _nginx(scene: Scene) -> str:
    return "nginx" if scene.has("nginx") else "nginx-1"
