"""The local engine's gateways, as verbs talk to them: by a socket in the stack's own folder."""

import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from deploy.apply import Open, Running
from deploy.engine import GATEWAY
from deploy.local.layout import Layout
from deploy.local.supervisor.client import Process
from deploy.talk import Talk


def running(layout: Layout, processes: Callable[[], Mapping[str, Process]]) -> Running:
    """Those that run, whenever it is asked."""

    def now() -> dict[str, Open]:
        found = processes()
        alive = [name for name in layout.slots(GATEWAY) if name in found and found[name].pid]
        return {name: partial(opened, name, layout.control(name)) for name in alive}

    return now


def opened(name: str, path: Path) -> Talk | None:
    """A conversation; None where nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return Talk(name, connection.fileno(), connection.fileno(), connection.close)
