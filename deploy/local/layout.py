"""Where everything of one local stack is: each folder, file and port, from the checkout and the environment alone.

Pure but for looking at which functions there are. It creates nothing and opens no socket.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.engine import GATEWAY, MOST_INSTANCES, Refusal
from deploy.front import LOOPBACK, Front
from runtime.manifest import run_here

DEFAULT_PORT = 8080

# Bytes. macOS takes 103, Linux 107, and supervisord first makes a socket that has ".<pid>" behind its name.
_LONGEST_SOCKET = 103 - len(".4194304")


@dataclass(frozen=True)
class Layout:
    """One stack: `root` is the checkout, `state` its folder for everything that is not in git.

    Only the front door listens on `bind`; all else is on the loopback. Ports: `port` is nginx, +1 and +3 are Redis,
    gateways begin at +100 and the other functions, by name, at +200, +300 and so on, each with sixteen slots.
    """

    root: Path
    state: Path
    port: int = DEFAULT_PORT
    bind: str = LOOPBACK
    front: Front = field(default_factory=Front)
    developing: bool = False  # whether functions end when their source changes, and are started again

    @classmethod
    def read(cls, root: Path, environment: Mapping[str, str]) -> "Layout":
        """From PORTICO_STATE, PORT, BIND, and what deploy/front.py reads. Raises Refusal for what can't be had."""
        state = Path(environment.get("PORTICO_STATE") or root / ".portico").absolute()
        front = Front.read(environment)
        layout = cls(root, state, _port(environment.get("PORT", "")), front.plain, front=front)
        if len(os.fsencode(layout.socket)) > _LONGEST_SOCKET:
            raise Refusal(f"The path {state} is too long for a socket in it: set PORTICO_STATE to a shorter folder.")
        return layout

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def programs(self) -> Path:
        return self.state / "programs"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def tls(self) -> Path:
        """The folder of the front door's certificate."""
        return self.secrets / "tls"

    @property
    def endpoints(self) -> Path:
        return self.state / "endpoints"

    @property
    def nginx(self) -> Path:
        return self.state / "nginx"

    @property
    def releases(self) -> Path:
        return self.state / "releases"

    def home(self, function: str) -> Path:
        """Where an instance runs: in its current release; in the checkout while developing, or before there is one."""
        release = self.releases / function / "current"
        return self.root if self.developing or not release.exists() else release.resolve()

    @property
    def redis_port(self) -> int:
        return self.port + 1

    @property
    def cache_port(self) -> int:
        return self.port + 3

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The gateway, and then every function that is run here, by name."""
        return (GATEWAY, *(name for name in run_here(self.root / "functions") if name != GATEWAY))

    def slot(self, function: str, number: int) -> int:
        """The port of instance `number` (1 to 16) of `function`."""
        return self.port + 100 * (1 + self.functions.index(function)) + number - 1

    def slots(self, function: str) -> dict[str, int]:
        """Every instance that a function may have, and its port."""
        return {f"{function}-{number}": self.slot(function, number) for number in range(1, MOST_INSTANCES + 1)}

    @property
    def revisions(self) -> Path:
        """The folder of the manifests that gateways and nginx serve."""
        return self.state / "manifests"

    def control(self, gateway: str) -> Path:
        """Where it is told to take in others."""
        return self.run / f"{gateway}.sock"

    @property
    def manifests(self) -> Path:
        """The folder whose folders hold them."""
        return self.root / "functions"

    def folder(self, function: str) -> Path:
        return self.root / "functions" / function

    def log(self, instance: str) -> Path:
        return self.logs / f"{instance}.log"

    def database_url(self, function: str) -> Path:
        """The secret file that holds the URL of a function's database."""
        return self.secrets / f"database-url-{function}"


def _port(text: str) -> int:
    highest = 65535 - 100 * MOST_INSTANCES  # the other ports are above this one
    try:
        port = int(text or DEFAULT_PORT)
    except ValueError:
        port = 0
    if not 1 <= port <= highest:
        raise Refusal(f"PORT={text} can't be listened on: set PORT to a number from 1 to {highest}.")
    return port
