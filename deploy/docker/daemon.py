"""What the Docker daemon knows of others: whose a project is, and which ranges of addresses are used.

In: nothing but `docker` and the machine's table of routes. It changes nothing.
"""

import json
import socket
import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from deploy.docker.place import Holder
from deploy.engine import Refusal
from deploy.undisturbed import apart

_ROUTES = Path("/proc/net/route")
_LABEL = "com.docker.compose.project"


class Daemon:
    """See deploy.docker.place.Docker."""

    def holder(self, project: str) -> Holder:
        mine = ("--filter", f"label={_LABEL}={project}", "--format")
        folders = _lines("ps", "--all", *mine, f'{{{{.Label "{_LABEL}.working_dir"}}}}')
        others = [_lines(kind, "ls", *mine, "{{.Name}}") for kind in ("network", "volume")]
        return Holder(frozenset(filter(None, folders)), bool(folders or any(others)))

    def networks(self) -> Mapping[str, list[IPv4Network]]:
        names = _lines("network", "ls", "--quiet")
        told = apart(["docker", "network", "inspect", *names]).stdout if names else ""  # of those that are still there
        return {str(each["Name"]): ranges(each) for each in json.loads(told or "[]")}

    def routes(self) -> Iterable[IPv4Network]:
        return routes(_ROUTES.read_text(encoding="ascii")) if _ROUTES.exists() else []


def ranges(network: Mapping[str, object]) -> list[IPv4Network]:
    """Those of a network, as `docker network inspect` tells it; of IPv4 alone."""
    told = network.get("IPAM") or {}
    assert isinstance(told, dict)
    found = [ip_network(each["Subnet"], strict=False) for each in told.get("Config") or [] if each.get("Subnet")]
    return [each for each in found if isinstance(each, IPv4Network)]


def routes(table: str) -> list[IPv4Network]:
    """Where /proc/net/route leads to, but for the way to everywhere else."""
    rows = [row.split() for row in table.splitlines()[1:]]
    found = [IPv4Network(f"{_address(row[1])}/{_address(row[7])}", strict=False) for row in rows if len(row) > 7]
    return [each for each in found if each.prefixlen]


def _address(text: str) -> str:
    return socket.inet_ntoa(struct.pack("<I", int(text, 16)))


def _lines(*arguments: str) -> list[str]:
    """What was printed. Raises Refusal: who can't be asked has not said that something is free."""
    done = apart(["docker", *arguments])
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Refusal(f"docker {arguments[0]} failed: {said[-1] if said else 'it did not say why'}")
    return done.stdout.splitlines()
