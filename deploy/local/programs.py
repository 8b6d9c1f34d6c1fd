"""What runs: a layout and how many of each -> one Program for each process, with its command, environment and port.

Pure. It says what should run; the supervisor starts it and readiness waits for it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.engine import GATEWAY
from deploy.front import LOOPBACK, bracketed, reached
from deploy.interpreter import python
from deploy.local.layout import Layout
from runtime.manifest import FILE

# Its prefix, its configuration, and its early errors where the supervisor sees them. It runs in its own folder and is
# told no path: nginx takes [ and * in one for patterns, and has no way to write $.
NGINX_OPTIONS = ("-p", "./", "-c", "nginx.conf", "-e", "stderr")
_REDIS = 'exec "$0" - < "$1"'  # it would take [ and * in a path for a pattern, too


@dataclass(frozen=True, slots=True)
class Program:
    """One process. It stops after those of higher tiers; `ready` is the path that answers 200 once it is ready."""

    name: str
    command: tuple[str, ...]
    address: tuple[str, int]
    tier: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    ready: str = ""
    directory: Path = Path("/")  # where it runs


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs that come from the system's packages, by their full paths."""

    nginx: str
    redis: str


def programs(layout: Layout, instances: Mapping[str, int], binaries: Binaries) -> list[Program]:
    """Everything that should run, from the inside out: Redis, functions, gateways, nginx."""
    others = [function for function in layout.functions if function != GATEWAY]
    return [
        *redis(layout, binaries.redis),
        *(program for function in (*others, GATEWAY) for program in _copies(layout, function, instances[function])),
        nginx(layout, binaries.nginx, reachable=instances[GATEWAY] > 0),
    ]


def redis(layout: Layout, binary: str) -> Iterator[Program]:
    """For limits, and for the cache. Ready when they listen: gateways do without, so nothing has to wait for more."""
    for name, port in (("redis", layout.redis_port), ("redis-cache", layout.cache_port)):
        command = ("sh", "-c", _REDIS, binary, str(layout.secrets / f"{name}.conf"))
        yield Program(name, command, (LOOPBACK, port), tier=1, directory=layout.data)


def nginx(layout: Layout, binary: str, *, reachable: bool) -> Program:
    """The front door; ready when a gateway answers through it, or when it listens if there is none to be reached."""
    command = (binary, *NGINX_OPTIONS, "-g", nginx_globals())
    address = (reached(layout.bind), layout.port)
    ready = "/livez" if reachable else ""
    return Program("nginx", command, address, tier=4, stop_signal="QUIT", ready=ready, directory=layout.nginx)


def nginx_globals() -> str:
    """As root, workers stay root: another user could not enter a checkout in a private home."""
    return "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"


def instance(layout: Layout, function: str, number: int) -> Program:
    """Instance `number` of a function; the gateway is one, a tier further out."""
    name, port = f"{function}-{number}", layout.slot(function, number)
    served = {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "INSTANCE": name,
        "LOG_FORMAT": "json",
        "MEMBERS_DIR": str(layout.members),
    }
    if layout.developing:
        served |= {"RELOAD": "1", "DRAIN_NOTICE": "0", "KILL_TIMEOUT": "1"}
    return Program(
        name,
        (*python("-m", "runtime.serving.serve", f"functions/{function}"),),
        (LOOPBACK, port),
        tier=3 if function == GATEWAY else 2,
        environment=served | settings(layout, function),
        ready="/readyz",
        directory=layout.home(function),
    )


def settings(layout: Layout, function: str) -> dict[str, str]:
    """What a function is told about its surroundings, whether it is served or run once."""
    if function == GATEWAY:
        applied = {"MANIFESTS_DIR": str(layout.revisions), "CONTROL_DIR": str(layout.run)}
        return {
            **({} if layout.developing else applied),
            "REDIS_URL_FILE": str(layout.secrets / "redis-url"),
            "CACHE_URL_FILE": str(layout.secrets / "cache-url"),
            "DISCOVERY": f"directory:{layout.members}",
            "FUNCTIONS_DIR": str(layout.home(GATEWAY) / "functions"),
            "TRUSTED_PROXIES": f"{LOOPBACK}/32",
            "EXPOSE_INSTANCE": "1",
            "RELOAD_ALSO": f"functions/*/{FILE}",
        }
    database = {"DATABASE_URL_FILE": str(layout.database_url(function))}
    if function == "users":
        return database | {"SIGNING_KEYS_DIR": str(layout.secrets / "signing")}
    host, port = nginx(layout, "", reachable=True).address
    return database | {"JWKS_URL": f"http://{bracketed(host)}:{port}/.well-known/jwks.json"}


def _copies(layout: Layout, function: str, count: int) -> Iterator[Program]:
    return (instance(layout, function, number) for number in range(1, count + 1))
