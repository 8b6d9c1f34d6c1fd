"""Networks of functions that come and go while PostgreSQL runs on: it is connected to them, and not made anew.

In: what the compose files say, and the container as `docker inspect` tells it. Out: nothing; raises Refusal.
"""

import json
from collections.abc import Mapping
from typing import Any

from deploy.docker.compose import Compose
from deploy.engine import Refusal
from deploy.undisturbed import apart

_LABEL = "com.docker.compose.network"


def joined(compose: Compose, service: str, container: Mapping[str, Any]) -> None:
    """Has the container of `service` be in every network that it should be in; others it leaves alone."""
    told = json.loads(compose.call("config", "--format", "json"))
    names = {key: str(told["networks"][key]["name"]) for key in told["services"][service]["networks"]}
    for key, name in names.items():
        if name not in container["NetworkSettings"]["Networks"]:
            _make(compose.project, key, name, internal=bool(told["networks"][key].get("internal")))
            _docker("network", "connect", "--alias", service, name, str(container["Id"]))


def removed(compose: Compose, key: str) -> None:
    """Takes a network away, whoever is still in it; harmless where there is none."""
    name = f"{compose.project}_{key}"
    found = apart(["docker", "network", "inspect", "--format", "{{range $id, $_ := .Containers}}{{$id}} {{end}}", name])
    for container in found.stdout.split() if not found.returncode else ():
        apart(["docker", "network", "disconnect", "--force", name, container])
    apart(["docker", "network", "rm", name])


def _make(project: str, key: str, name: str, *, internal: bool) -> None:
    """As Compose would, so that it takes it for its own."""
    labels = (f"com.docker.compose.project={project}", f"{_LABEL}={key}")
    told = [part for label in labels for part in ("--label", label)]
    if apart(["docker", "network", "inspect", name]).returncode:
        _docker("network", "create", *(["--internal"] if internal else []), *told, name)


def _docker(*arguments: str) -> None:
    done = apart(["docker", *arguments])
    if done.returncode:
        raise Refusal(f"docker {' '.join(arguments[:2])} failed: {done.stderr.strip() or 'it did not say why'}")
