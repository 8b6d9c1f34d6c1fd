"""The rows of `just ps`, from what `docker inspect` tells of containers; from the front door inwards.

Pure but for the clock that uptimes are measured by.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.docker.fleet import number
from deploy.engine import GATEWAY, Instance

_DOOR = "8080/tcp"  # as deploy/docker/stack.yml has it
_DOOR_FIRST = {"nginx": 0, GATEWAY: 1, "postgres": 3, "redis": 4, "redis-cache": 5}


def sick(state: dict[str, Any]) -> bool:
    """Whether a container's state says that something went wrong; a job that ended well did not."""
    healthy = state.get("Health", {}).get("Status", "healthy") == "healthy"
    return not healthy if state["Running"] else state["Status"] == "created" or state["ExitCode"] != 0


def service(container: Mapping[str, Any]) -> str:
    """Whose container it is."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def place(container: dict[str, Any]) -> tuple[int, str, int]:
    """From the front door inwards."""
    return _DOOR_FIRST.get(service(container), 2), service(container), number(container)


def instance(container: dict[str, Any]) -> Instance:
    """A container as a row of `ps`."""
    state = container["State"]
    health = state.get("Health", {}).get("Status", "")
    networks = container["NetworkSettings"]["Networks"].values()
    address = next((network["IPAddress"] for network in networks if network["IPAddress"]), "")
    name = f"{service(container)}-{number(container)}"
    shown = "ready" if health == "healthy" else health or state["Status"]
    return Instance(name, address, shown, state["Pid"], _uptime(state["StartedAt"]) if state["Running"] else None)


def published(containers: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Where the front door's port without TLS is, whatever a verb was told: an address and a port."""
    for container in containers:
        for each in container["NetworkSettings"].get("Ports", {}).get(_DOOR) or []:
            return str(each["HostIp"]), str(each["HostPort"])
    return None


def _uptime(started: str) -> float:
    """Docker writes nanoseconds, which datetime does not read."""
    return (datetime.now(UTC) - datetime.fromisoformat(f"{started[:19]}+00:00")).total_seconds()
