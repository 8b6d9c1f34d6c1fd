"""A rollout on Docker: a new container beside the old ones, then an old one less, again and again.

Compose would recreate all of a service's containers at once; here it only ever adds one (`--no-recreate`), and what is
old is drained and removed by name. The image that was replaced keeps a tag, `<tag>-previous`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deploy.docker import images
from deploy.docker.compose import Compose
from deploy.docker.images import Pointers
from deploy.docker.metrics import pages
from deploy.engine import GATEWAY, Refusal, Say
from deploy.known import until_known
from deploy.manifests import Manifests, Turn
from deploy.undisturbed import apart

if TYPE_CHECKING:
    import subprocess

_START = 90  # seconds until a new container must be healthy
_SEEN = 2.5  # seconds until nginx has asked which gateways there are: it does so every second, and tells nobody

Container = dict[str, Any]


class DockerFleet:
    """See deploy.rollout.Fleet. A function's tag is the new version's from `prepare` on. `tags`: by function."""

    def __init__(
        self,
        compose: Compose,
        tags: Mapping[str, str],
        *,
        manifests: Manifests,
        build: Callable[[], None],
        migrate: Callable[[], None],
        say: Say,
    ) -> None:
        self._compose = compose
        self._tags = tags
        self._build = build
        self.migrate = migrate
        self._say = say
        self._names = sorted(tags, key=lambda name: name == GATEWAY)
        self._counts = {name: len(self._containers(name)) for name in self._names}
        self._before = {name: self._pointers(name) for name in self._names}
        self._leaving: set[str] = set()  # containers that go although they are of this version
        self._touched: list[str] = []
        self._turn = Turn(manifests)
        self._rolls_gateways = False

    def prepare(self, *, everything: bool) -> list[str]:
        self._turn.take()
        self._build()
        changed = [name for name in self._names if everything or self._changed(name)]
        if everything:
            self._leaving = {found["Id"] for name in self._names for found in self._containers(name)}
        if self._turn.changed or any(self._current(name) != self._before[name].current for name in self._names):
            self._point()
            self._turn.remember()
        return self._replaced(changed)

    def prepare_previous(self) -> list[str]:
        changed = [name for name in self._names if self._before[name].previous]
        self._turn.take_previous()
        if not changed and not self._turn.changed:
            raise Refusal("There is nothing to go back to: nothing was deployed yet, or it was no change.")
        for name in changed:
            before = self._before[name]
            images.point(self._tags[name], Pointers(before.previous, before.current))
        self._turn.remember()
        return self._replaced(changed)

    def apply(self) -> bool:
        applied = self._turn.apply(replacing=self._rolls_gateways)
        if applied:
            self._say("The manifests of this version are served")
        return applied

    def rehearse(self, function: str) -> None:
        with self._trial(function) as container:
            said = _shown(container, self._asked(function))
        if said:
            raise Refusal(f"The new version of {function} does not work: {said}. Nothing was replaced.")
        self._say(f"Tried the new version of {function}: it works")

    def replace(self, function: str) -> None:
        self._touched.append(function)
        self._roll(function)
        self._say(f"Replaced {function}, one instance at a time")

    def keep(self) -> None:
        """The tags say it already."""

    def turn_back(self) -> None:
        self._leaving = {found["Id"] for found in self._containers(GATEWAY)} if self._turn.rolls else set()
        for name, pointers in self._before.items():
            images.point(self._tags[name], pointers)
        self._turn.turn_back()
        for name in reversed(self._touched):
            self._say(f"Turning {name} back")
            self._roll(name)

    def _replaced(self, changed: list[str]) -> list[str]:
        """These; also gateways, where they can't take in the manifests as they run."""
        if self._turn.rolls and GATEWAY not in changed:
            self._leaving |= {found["Id"] for found in self._containers(GATEWAY)}
            changed = [*changed, GATEWAY]
        self._rolls_gateways = GATEWAY in changed
        return changed

    def _point(self) -> None:
        """What runs is the previous version of what changed; of the rest nothing is previous any more."""
        for name, before in self._before.items():
            current = self._current(name)
            images.point(self._tags[name], Pointers(current, before.current if current != before.current else ""))

    def _roll(self, function: str) -> None:
        for old in [found for found in self._containers(function) if self._old(function, found)]:
            if len(self._containers(function)) <= self._counts[function]:
                self._add(function)
            _drop(old)
        found = self._containers(function)
        for extra in found[: max(0, len(found) - self._counts[function])]:
            _drop(extra)

    def _add(self, function: str) -> None:
        scale = f"{function}={self._counts[function] + 1}"
        waiting = ("--wait", "--wait-timeout", str(_START))
        self._compose.call(
            "up", "--detach", *waiting, "--no-deps", "--no-build", "--no-recreate", "--scale", scale, function
        )
        if function == GATEWAY:
            time.sleep(_SEEN)
        until_known(pages(self._containers(GATEWAY)), {function: sum(map(_healthy, self._containers(function)))})

    def _containers(self, function: str) -> list[Container]:
        """Those that are sick first, then from the first to the last."""
        found = self._compose.containers("--all", function)
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
            _docker("rm", "--force", name)

    def _asked(self, function: str) -> list[str]:
        """Whose smoke calls it must answer: its own, or a gateway those of all that run."""
        return [name for name in self._names if name != GATEWAY and self._counts[name] and function in (name, GATEWAY)]


def _shown(container: str, names: list[str]) -> str:
    """What is wrong with it, "" if it showed that it works."""
    shown = _docker("exec", container, "python", "-m", "runtime.trial", *names)
    if not shown.returncode:
        return ""
    if _docker("inspect", "--format", "{{.State.Running}}", container).stdout.strip() == "true":
        return shown.stderr.strip()
    lines = [line for line in _docker("logs", container).stderr.splitlines() if line.strip()]
    return f"it stopped right after its start{f' ({lines[-1].strip()})' if lines else ''}"


def _drop(container: Container) -> None:
    """It has as long to finish as its service gives it."""
    _docker("stop", container["Id"])
    _docker("rm", "--force", container["Id"])


def number(container: Container) -> int:
    """Which of its service's containers it is."""
    return int(container["Config"]["Labels"]["com.docker.compose.container-number"])


def _healthy(container: Container) -> bool:
    return bool(container["State"].get("Health", {}).get("Status") == "healthy")


def _docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return apart(["docker", *arguments])
