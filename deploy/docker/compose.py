"""`docker compose` as this stack calls it: with files that are named, and the stack's own name, port and secrets.

In: arguments of Compose. Out: what it printed. A failure becomes a Refusal with Compose's own last words.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from deploy.engine import Refusal
from deploy.undisturbed import apart

_LABEL = "com.docker.compose"


class Compose:
    """One project. `settings` are what the compose files are filled in with, beside the environment."""

    def __init__(self, root: Path, project: str, files: Sequence[str], settings: Mapping[str, str]) -> None:
        self._root = root
        self._settings = settings
        self._environment = {**os.environ, **settings}
        named = [part for file in files for part in ("--file", str(root / file))]
        self._command = ["docker", "compose", "--project-name", project, *named]
        self.project = project

    def tell(self, name: str, value: str) -> None:
        """One more setting, from now on."""
        self._settings = {**self._settings, name: value}
        self._environment[name] = value

    def services(self) -> dict[str, dict[str, Any]]:
        """What the compose files say of each, filled in."""
        found: dict[str, dict[str, Any]] = json.loads(self.call("config", "--format", "json"))["services"]
        return found

    def call(self, *arguments: str) -> str:
        """What it printed. Raises Refusal when it failed."""
        result = apart([*self._command, "--progress", "quiet", *arguments], cwd=self._root, env=self._environment)
        if result.returncode:
            raise Refusal(reason(arguments[0], result.stderr or result.stdout))
        return result.stdout

    def attached(self, *arguments: str) -> int:
        """With this terminal; the exit code."""
        command = [*self._command, "--progress", "quiet", *arguments]
        return subprocess.run(command, cwd=self._root, env=self._environment, check=False).returncode

    def lines(self, *arguments: str) -> Iterator[str]:
        """Each line as it is printed, for as long as somebody reads."""
        command = [*self._command, *arguments]
        with subprocess.Popen(command, cwd=self._root, env=self._environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                for line in TextIOWrapper(process.stdout, "utf-8", "surrogateescape", "\n"):
                    yield line.rstrip("\n")
            finally:
                process.terminate()

    def command(self, *arguments: str) -> list[str]:
        """For another to run, from anywhere."""
        return ["env", *(f"{name}={value}" for name, value in self._settings.items()), *self._command, *arguments]

    def volumes(self) -> list[str]:
        """The project's volumes that there are."""
        listed = ["docker", "volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"]
        return subprocess.run(listed, check=False, text=True, capture_output=True).stdout.split()

    def forget_networks(self) -> None:
        """Removes those that nobody is in: `down` leaves the networks of functions that are no longer there."""
        label = f"label=com.docker.compose.project={self.project}"
        subprocess.run(["docker", "network", "prune", "--force", "--filter", label], check=False, capture_output=True)

    def containers(self, *services: str, ended: bool = False) -> list[dict[str, Any]]:
        """What `docker inspect` tells of the project's running containers, or of those of `services`.

        `ended`: also those that do not run. Docker is asked itself: Compose would first read all files, each time.
        """
        labels = (f"{_LABEL}.project={self.project}", f"{_LABEL}.oneoff=False")
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        listed = _docker("ps", "--quiet", "--no-trunc", *(["--all"] if ended else []), *filters)
        found = json.loads(_docker("inspect", *listed.split())) if listed.split() else []
        return [each for each in found if not services or each["Config"]["Labels"][f"{_LABEL}.service"] in services]


def reason(verb: str, said: str) -> str:
    """What Compose said when it failed at `verb`, as one sentence, with the next step where there is one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = lines[-1] if lines else "it did not say why"
    if "port is already allocated" in said or "address already in use" in said:
        return f"The front door's port is taken: end what has it, or choose another with PORT=9080 just up. ({words})"
    if "Pool overlaps" in said:
        return f"The front network's range is taken: choose another, as in FRONT_SUBNET=10.9.8.0/24 just up. ({words})"
    if "could not find an available" in said or "predefined address pools have been fully subnetted" in said:
        return (
            "Docker has no range of addresses left for one more network: `docker network prune` removes those that "
            f"nobody uses, default-address-pools in its daemon.json gives it more (docs/containers.md). ({words})"
        )
    if "failed to resolve source metadata" in said or "failed to resolve reference" in said or "/v2/" in said:
        return (
            f"The Docker daemon can't pull an image ({words}): see that it reaches a registry, or ENGINE=local just up."
        )
    return f"docker compose {verb} failed: {words}"


def _docker(*arguments: str) -> str:
    """What it printed; of containers that are gone by then nothing."""
    return apart(["docker", *arguments]).stdout
