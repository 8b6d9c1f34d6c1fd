"""Docker: whether its daemon answers, and whether Compose and buildx are there and new enough.

In: which engine runs or would run the stack. Out: findings. It asks and changes nothing.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator

from deploy.doctor.finding import Finding
from deploy.doctor.machine import said

_COMPOSE, _BUILDX = (2, 24), (0, 17)  # the first that read deploy/docker/*.yml and build with secrets as they say
_WITHOUT = "or do without: ENGINE=local just up."


def docker(engine: str) -> Iterator[Finding]:
    """Nothing is wrong with a machine without Docker whose stack does not run on it."""
    if not shutil.which("docker"):
        way = f"Install Docker with Compose and buildx, {_WITHOUT}"
        yield Finding("Docker", "wrong", way) if engine == "docker" else Finding("Docker", "ok", "not here, not needed")
        return
    answered = _asked()
    yield daemon(engine, answered)
    if answered.returncode == 0 and engine == "docker":
        yield plugin("Compose", said("docker", "compose", "version", "--short"), _COMPOSE)
        yield plugin("buildx", said("docker", "buildx", "version"), _BUILDX)


def daemon(engine: str, answered: "subprocess.CompletedProcess[str]") -> Finding:
    """What came of asking it for its version."""
    if answered.returncode == 0:
        needed = "" if engine == "docker" else "; the stack runs without it"
        return Finding("Docker", "ok", f"{answered.stdout.strip()}{needed}")
    why = (answered.stderr.strip().splitlines() or ["it did not say why"])[-1]
    if engine != "docker":
        return Finding("Docker", "ok", "no daemon answers, and none is needed")
    if "permission denied" in why.lower():
        return Finding("Docker", "wrong", f"You may not ask its daemon: join the group docker, {_WITHOUT}")
    return Finding("Docker", "wrong", f"No daemon answers ({why}): start it, {_WITHOUT}")


def plugin(name: str, told: str, least: tuple[int, ...]) -> Finding:
    """One of the CLI's; `told` is what it says of its version."""
    found = re.search(r"v?(\d+(?:\.\d+)+)", told)
    wanted = ".".join(map(str, least))
    if not found:
        return Finding(name, "wrong", f"It is no plugin of this docker: install it, {wanted} or newer, {_WITHOUT}")
    if tuple(map(int, found[1].split("."))) < least:
        return Finding(name, "wrong", f"{found[1]} is older than {wanted}: install a newer one, {_WITHOUT}")
    return Finding(name, "ok", found[1])


def _asked() -> "subprocess.CompletedProcess[str]":
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
