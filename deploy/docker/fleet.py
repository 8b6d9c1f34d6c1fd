"""A rollout on Docker: a new container beside the old ones, then an old one less, again and again.

Compose would recreate all of a service's containers at once; here it only ever adds one (`--no-recreate`), and what is
old is drained and removed by name. The image that was replaced keeps a tag, `<tag>-previous`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from deploy.checked import check
from deploy.docker import images, networks, settled
from deploy.docker.compose import Compose
from deploy.docker.images import Pointers
from deploy.docker.metrics import pages
from deploy.engine import GATEWAY, Refusal
from deploy.known import until_known
from deploy.manifests import Manifests, Turn
from deploy.plan import Plan, plan
from deploy.steps import Steps
from deploy.together import together
from deploy.undisturbed import apart, undisturbed
from deploy.why import why

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from deploy.engine import Say

_START = 90  # seconds until a new container must be healthy
_SEEN = 2.5  # seconds until nginx has asked which gateways there are: it does so every second, and tells nobody
_JOBS = ("-migrate", "-database")  # services of a function that run once

Container = dict[str, Any]


class DockerFleet:
    """See deploy.rollout.Fleet. A function's tag is the new version's from `prepare` on. `tags`: by function.

    `settle` brings in line what is no function.
    """

    def __init__(  # noqa: PLR0913  all but two are said by name
        self,
        compose: Compose,
        tags: Mapping[str, str],
        *,
        root: "Path",
        with_data: list[str],
        manifests: Manifests,
        build: Callable[[], None],
        settle: Callable[[Mapping[str, int]], bool],
        say: "Say",
    ) -> None:
        self._compose = compose
        self._tags = tags
        self._root = root
        self._with_data = with_data
        self._build = build
        self._settle = settle
        self._steps = Steps(say)
        self._names = sorted(tags, key=lambda name: name == GATEWAY)
        self._running = {name: len(self._containers(name)) for name in self._names}
        self._resting = {name for name, count in self._running.items() if not count and self._led_to(name)}
        self._counts = {name: count or int(name not in self._resting) for name, count in self._running.items()}
        self._before = {name: self._pointers(name) for name in self._names}
        self._leaving: set[str] = set()  # containers that go although they are of this version
        self._started: list[str] = []
        self._touched: list[str] = []
        self._turn = Turn(manifests)

    def prepare(self, *, everything: bool) -> Plan:
        check(self._root)
        self._turn.take()
        with self._steps.step("all functions", "images are built"):
            self._build()
        settled.begin(self._compose)
        running = {name for name, count in self._running.items() if count}
        changed = [name for name in running if everything or self._changed(name)]
        if everything:
            self._leaving = {found["Id"] for name in self._names for found in self._containers(name)}
        if self._turn.changed or any(self._current(name) != self._before[name].current for name in self._names):
            self._point()
            self._turn.remember()
        return plan(self._names, {*running, *self._gone()}, self._rolling(changed), self._resting)

    def prepare_previous(self) -> Plan:
        changed = [name for name in self._names if self._before[name].previous]
        self._turn.take_previous()
        if not changed and not self._turn.changed:
            raise Refusal("There is nothing to go back to: nothing was deployed yet, or it was no change.")
        for name in changed:
            before = self._before[name]
            images.point(self._tags[name], Pointers(before.previous, before.current))
        self._turn.remember()
        return Plan(changed=tuple(self._rolling(changed)))

    def apply(self, *, replacing: bool) -> bool:
        if not self._turn.changed:
            return False
        with self._steps.step(GATEWAY, "serves the manifests of this version"):
            return self._turn.apply(replacing=replacing)

    def migrate(self, function: str) -> None:
        if function not in self._with_data:
            return
        with self._steps.step(function, "schema is up to date"):
            if not self._running[function]:
                self._provide(function)
            self._compose.call("run", "--rm", "--no-deps", "--no-TTY", f"{function}-migrate")

    def _provide(self, function: str) -> None:
        """Its database, by a PostgreSQL that runs on."""
        for postgres in self._compose.containers("postgres"):
            networks.joined(self._compose, "postgres", postgres)
        self._compose.call("run", "--rm", "--no-deps", "--no-TTY", f"{function}-database")

    def rehearse(self, function: str) -> None:
        with self._steps.step(function, "tried the new version: it works"), self._trial(function) as container:
            if said := _shown(container, function, self._asked(function)):
                raise Refusal(f"The new version of {function} does not work: {said}")

    def start(self, function: str) -> None:
        self._started.append(function)
        with self._steps.step(function, f"started {self._counts[function]}"):
            self._up(function, self._counts[function])

    def replace(self, function: str) -> None:
        self._touched.append(function)
        self._roll(function)

    def keep(self) -> None:
        """The tags say it already."""

    def end(self, function: str) -> None:
        with self._steps.step(function, "ended"):
            self._drop_all(function)

    def settle(self) -> bool:
        return self._settle(self._counts)

    def turn_back(self) -> None:
        self._leaving = {found["Id"] for found in self._containers(GATEWAY)} if self._turn.rolls else set()
        for name, pointers in self._before.items():
            images.point(self._tags[name], pointers)
        self._turn.turn_back()
        together([partial(self._drop_all, name) for name in self._started])
        together([partial(self._back, name) for name in reversed(self._touched)])

    def _back(self, function: str) -> None:
        with self._steps.step(function, "turned back"):
            self._roll(function)

    def _drop_all(self, function: str) -> None:
        """With its jobs, and the networks that nobody else is in for anything else."""
        for found in self._services():
            if _service(found) in {function, *(f"{function}{job}" for job in _JOBS)}:
                _drop(found)
        for key in (function, f"{function}-data"):
            networks.removed(self._compose, key)

    def _rolling(self, changed: list[str]) -> list[str]:
        """These; gateways too, where they can't take in the manifests as they run."""
        if not self._turn.rolls or GATEWAY in changed:
            return changed
        self._leaving |= {found["Id"] for found in self._containers(GATEWAY)}
        return [*changed, GATEWAY]

    def _point(self) -> None:
        """What runs is the previous version of what changed; of the rest nothing is previous any more."""
        for name, before in self._before.items():
            current = self._current(name)
            images.point(self._tags[name], Pointers(current, before.current if current != before.current else ""))

    def _roll(self, function: str) -> None:
        old = [found for found in self._containers(function) if self._old(function, found)]
        for turn, each in enumerate(old, start=1):
            with self._steps.step(function, f"replaced instance {turn} of {len(old)}"):
                if len(self._containers(function)) <= self._counts[function]:
                    self._add(function)
                _drop(each)
        found = self._containers(function)
        for extra in found[: max(0, len(found) - self._counts[function])]:
            _drop(extra)

    def _add(self, function: str) -> None:
        self._up(function, self._counts[function] + 1)
        if function == GATEWAY:
            time.sleep(_SEEN)
        until_known(pages(self._containers(GATEWAY)), {function: sum(map(_healthy, self._containers(function)))})

    def _up(self, function: str, instances: int) -> None:
        scale = ("--scale", f"{function}={instances}")
        waiting = ("--wait", "--wait-timeout", str(_START))
        self._compose.call("up", "--detach", *waiting, "--no-deps", "--no-build", "--no-recreate", *scale, function)

    def _services(self) -> list[Container]:
        """All containers of the project, also of services that the compose files have no more."""
        return self._compose.containers(ended=True)

    def _gone(self) -> list[str]:
        """Functions that have containers and are none any more."""
        known = set(self._compose.call("config", "--services").split())
        lasting = [found for found in self._services() if found["HostConfig"]["RestartPolicy"]["Name"] != "no"]
        return sorted({_service(found) for found in lasting} - known)

    def _led_to(self, function: str) -> bool:
        """Whether gateways are where it would be found."""
        network = f"{self._compose.project}_{function}"
        return any(network in found["NetworkSettings"]["Networks"] for found in self._containers(GATEWAY))

    def _containers(self, function: str) -> list[Container]:
        """Those that are sick first, then from the first to the last."""
        found = self._compose.containers(function, ended=True)
        return sorted(found, key=lambda each: (_healthy(each), number(each)))

    def _changed(self, function: str) -> bool:
        replaced = self._before[function].current != self._current(function)
        return replaced or any(self._old(function, found) for found in self._containers(function))

    def _old(self, function: str, container: Container) -> bool:
        """Whether it has another image, or other settings, than one that was started now."""
        if container["Id"] in self._leaving or container["Image"] != self._current(function):
            return True
        now = self._compose.call("config", "--hash", function).split()[-1]
        return bool(container["Config"]["Labels"]["com.docker.compose.config-hash"] != now)

    def _pointers(self, function: str) -> Pointers:
        """By what runs: somebody may have built since."""
        tagged = images.pointers(self._tags[function])
        running = [str(found["Image"]) for found in self._containers(function)]
        return tagged._replace(current=running[-1] if running else tagged.current)

    def _current(self, function: str) -> str:
        return images.pointers(self._tags[function]).current

    @contextmanager
    def _trial(self, function: str) -> Iterator[str]:
        """A container that nobody finds: one that is `run` does not have its service's name."""
        name = f"{self._compose.project}-{function}-trial"
        _docker("rm", "--force", name)
        try:
            self._compose.call("run", "--detach", "--no-deps", "--name", name, function)
            yield name
        finally:
            with undisturbed():
                _docker("rm", "--force", name)

    def _asked(self, function: str) -> list[str]:
        """Whose smoke calls it must answer: its own, or a gateway those of all that run."""
        if function != GATEWAY:
            return [function]
        return [name for name in self._names if name != GATEWAY and self._running[name]]


def _shown(container: str, function: str, names: list[str]) -> str:
    """What is wrong with it, "" if it showed that it works."""
    shown = _docker("exec", container, "python", "-m", "runtime.serving.self_check", *names)
    if not shown.returncode:
        return ""
    running = _docker("inspect", "--format", "{{.State.Running}}", container).stdout.strip() == "true"
    logs = _docker("logs", container)
    said = shown.stderr.strip() if running else "it stopped right after its start"
    return "\n".join([f"{said}. Nothing was replaced.", *why(logs.stdout + logs.stderr, function)])


def _drop(container: Container) -> None:
    """It has as long to finish as its service gives it."""
    _docker("stop", container["Id"])
    _docker("rm", "--force", container["Id"])


def _service(container: Container) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def number(container: Container) -> int:
    """Which of its service's containers it is."""
    return int(container["Config"]["Labels"]["com.docker.compose.container-number"])


def _healthy(container: Container) -> bool:
    return bool(container["State"].get("Health", {}).get("Status") == "healthy")


def _docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return apart(["docker", *arguments])
