"""The faults of a run, in their order, and what each may cost.

In: a Scene to do them to, which knows how. No engine is known here, and nothing is judged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from deploy.chaos.summary import Promise
from deploy.engine import GATEWAY, Refusal

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

    def instances(self, service: str) -> list[str]:
        """The names of those that run, the first one first."""

    def apply_upstream(self) -> None:
        """Running gateways take in a service of others, and take it out again."""

    def apply_limits(self, times: int) -> None:
        """They take in another limit, so many times."""

    def apply_typo(self) -> None:
        """Somebody mistypes, which they don't take in, and mends it."""

    def deploy(self) -> None:
        """Another version of every function."""

    def fail_to_deploy(self) -> None:
        """One that gets into trouble when half of it is replaced, and has to be turned back."""

    def roll_back(self) -> None:
        """What the last deploy replaced."""

    def add(self) -> None:
        """A function more, by `up`."""

    def change(self) -> None:
        """Another version of one function, by `up`."""

    def mistype(self) -> None:
        """A typo in a manifest, which `up` refuses, and then mended."""

    def remove(self) -> None:
        """The function that was added, by `up`."""

    def offend(self) -> None:
        """One client does again and again what may harm nobody else; a deploy has brought the service that it needs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`needs` is the service without which it can't be done; `short`: part of a short run, too."""

    name: str
    promise: Promise
    act: Callable[[Scene], None]
    needs: str = ""
    short: bool = False


def _kill(service: str) -> Callable[[Scene], None]:
    """One instance of a service."""
    return lambda scene: scene.kill(_first(scene, service))


FAULTS = (
    Fault("nothing", Promise.NOTHING, lambda _: None),
    Fault("scale up", Promise.NOTHING, lambda scene: _scale(scene, 4), short=True),
    Fault("scale down", Promise.NOTHING, lambda scene: _scale(scene, COPIES), short=True),
    Fault("kill a gateway", Promise.IN_FLIGHT, _kill(GATEWAY), short=True),
    Fault("kill a users", Promise.IN_FLIGHT, _kill("users")),
    Fault("kill an orders", Promise.IN_FLIGHT, _kill("orders"), short=True),
    Fault("kill Redis", Promise.NOTHING, lambda scene: _each_redis(scene, scene.kill), short=True),
    Fault("freeze Redis", Promise.NOTHING, lambda scene: scene.freeze(_redis(scene)[0], _FROZEN)),
    Fault("restart Redis empty", Promise.NOTHING, lambda scene: _each_redis(scene, scene.end)),
    Fault("kill an nginx worker", Promise.RESENT, lambda scene: scene.kill_worker(_first(scene, "nginx")), short=True),
    Fault("kill PostgreSQL", Promise.RESENT, _kill("postgres"), needs="postgres", short=True),
    Fault("apply: an upstream more", Promise.NOTHING, lambda scene: scene.apply_upstream(), short=True),
    Fault("apply: a limit, 200 times", Promise.NOTHING, lambda scene: scene.apply_limits(200)),
    Fault("apply: a typo, then mended", Promise.NOTHING, lambda scene: scene.apply_typo(), short=True),
    Fault("up: a function more", Promise.NOTHING, lambda scene: scene.add(), short=True),
    Fault("up: one edited", Promise.NOTHING, lambda scene: scene.change()),
    Fault("up: a typo, then mended", Promise.NOTHING, lambda scene: scene.mistype(), short=True),
    Fault("up: a function less", Promise.NOTHING, lambda scene: scene.remove(), short=True),
    Fault("deploy", Promise.NOTHING, lambda scene: scene.deploy(), short=True),
    Fault("odd requests, 1 gateway", Promise.NOTHING, lambda scene: _offend(scene, 1), short=True),
    Fault("odd requests, 4 gateways", Promise.NOTHING, lambda scene: _offend(scene, 4), short=True),
    Fault("roll back", Promise.NOTHING, lambda scene: scene.roll_back(), short=True),
    Fault("deploy that fails", Promise.NOTHING, lambda scene: scene.fail_to_deploy(), short=True),
)


def chosen(scene: Scene, *, short: bool, only: str = "") -> Sequence[Fault]:
    """Those that can be done to this stack, with `only` in their names. Raises Refusal where there is none."""
    there = [fault for fault in FAULTS if not fault.needs or scene.instances(fault.needs)]
    found = [fault for fault in there if (fault.short or not short) and only in fault.name]
    if not found:
        raise Refusal(f"No fault has {only} in its name: there are {', '.join(fault.name for fault in there)}.")
    return found


def _scale(scene: Scene, instances: int) -> None:
    for function in (GATEWAY, "users", "orders"):
        scene.scale(function, instances)


def _offend(scene: Scene, gateways: int) -> None:
    scene.scale(GATEWAY, gateways)
    scene.offend()
    scene.scale(GATEWAY, COPIES)


def _each_redis(scene: Scene, act: Callable[[str], None]) -> None:
    for name in _redis(scene):
        act(name)


def _redis(scene: Scene) -> list[str]:
    """The one for limits, and the one for the cache where there is one."""
    return [*scene.instances("redis"), *scene.instances("redis-cache")]


def _first(scene: Scene, service: str) -> str:
    """Raises Refusal when there is none."""
    running = scene.instances(service)
    if not running:
        raise Refusal(f"No {service} runs.")
    return running[0]
