"""Where everything of one local stack is: each folder, file and port, from the checkout and the environment alone.

Pure but for looking at which functions there are, and which ports they were given. It creates nothing and opens no
socket.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from deploy.engine import GATEWAY, MOST_INSTANCES, Refusal
from deploy.front import LOOPBACK, Front
from deploy.local import blocks
from runtime.manifest import run_here

DEFAULT_PORT = 8080

# Bytes. macOS takes 103, Linux 107, and supervisord first makes a socket that has ".<pid>" behind its name.
_LONGEST_SOCKET = 103 - len(".4194304")


@dataclass(frozen=True)
class Layout:
    """One stack: `root` is the checkout, `state` its folder for everything that is not in git.

    Only the front door listens on `bind`; all else is on the loopback. Ports: `port` is nginx, +1 and +3 are Redis,
    gateways begin at +100, and every other function has sixteen slots above them, those that it had before.
    """

    root: Path
    state: Path
    port: int = DEFAULT_PORT
    bind: str = LOOPBACK
    front: Front = field(default_factory=Front)
    remembered: Mapping[str, int] = field(default_factory=dict)  # how far above `port` a function's first slot is
    developing: bool = False  # whether functions end when their source changes, and are started again

    @classmethod
    def read(cls, root: Path, environment: Mapping[str, str]) -> "Layout":
        """From PORTICO_STATE, PORT, BIND, and what deploy/front.py reads. Raises Refusal for what can't be had."""
        state = Path(environment.get("PORTICO_STATE") or root / ".portico").absolute()
        front = Front.read(environment)
        remembered = blocks.read(state)
        layout = cls(root, state, _port(environment.get("PORT", "")), front.plain, front=front, remembered=remembered)
        layout.require_room()
        if len(os.fsencode(layout.socket)) > _LONGEST_SOCKET:
            raise Refusal(f"The path {state} is too long for a socket in it: set PORTICO_STATE to a shorter folder.")
        return layout

    def require_room(self) -> None:
        """Raises Refusal when a port that belongs to it can't be had, as it would be above the highest there is."""
        if self.port > (highest := blocks.highest(self.offsets)):
            raise _refused(self.port, highest)

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
    def members(self) -> Path:
        return self.state / "members"

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

    @cached_property
    def offsets(self) -> dict[str, int]:
        """How far above `port` each function's first slot is, also of one that is gone and may still run."""
        return blocks.assign(self.remembered, self.functions, avoided=[self.front.port - self.port])

    def slot(self, function: str, number: int) -> int:
        """The port of instance `number` (1 to 16) of `function`."""
        return self.port + self.offsets[function] + number - 1

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


def settled(asked: Layout) -> Layout:
    """`asked`, in the place that the running stack was started in."""
    place = json.loads((asked.run / "place.json").read_text())
    given = asked.remembered or blocks.running(asked.programs, place["port"])
    layout = replace(asked, remembered=given, **place)
    layout.require_room()
    return layout


def _port(text: str) -> int:
    try:
        port = int(text or DEFAULT_PORT)
    except ValueError:
        port = 0
    if port < 1:
        raise _refused(text, blocks.highest({}))
    return port


def _refused(port: int | str, highest: int) -> Refusal:
    """`highest` leaves room for the ports above it."""
    return Refusal(f"PORT={port} can't be listened on: set PORT to a number from 1 to {highest}.")
