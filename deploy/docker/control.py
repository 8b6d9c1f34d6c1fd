"""Gateways in containers, as verbs talk to them: through a process inside, as no network leads to where they listen."""

import subprocess
from collections.abc import Callable, Mapping
from functools import partial

from deploy.apply import Open, Running
from deploy.talk import Talk

_AWAY = 3  # how the process ends where nobody listens
_RELAY = f"""
import os, socket, sys
there = socket.socket(socket.AF_UNIX)
try:
    there.connect(os.path.join(os.environ["CONTROL_DIR"], socket.gethostname() + ".sock"))
except OSError:
    sys.exit({_AWAY})
lines = there.makefile("rb")
for line in sys.stdin.buffer:
    there.sendall(line)
    sys.stdout.buffer.write(lines.readline())
    sys.stdout.buffer.flush()
"""


def running(containers: Callable[[], Mapping[str, str]]) -> Running:
    """Those that run, whenever it is asked; `containers` tells their identities, by instance."""

    def now() -> dict[str, Open]:
        return {name: partial(opened, name, container) for name, container in containers().items()}

    return now


def opened(name: str, container: str) -> Talk:
    """A conversation, as soon as something is said."""
    command = ["docker", "exec", "--interactive", container, "python", "-c", _RELAY]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return Talk(name, process.stdin.fileno(), process.stdout.fileno(), partial(_end, process), partial(_away, process))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The process inside ends when it is told nothing more."""
    with process:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()


def _away(process: "subprocess.Popen[bytes]") -> bool:
    try:
        return process.wait(2) == _AWAY
    except subprocess.TimeoutExpired:
        return False
