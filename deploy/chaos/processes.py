"""The processes below another, from /proc, and the signals that faults send them.

Works for plain processes and for those in containers of this machine, which are processes of it, too.
"""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

from deploy.engine import Refusal


def below(pid: int) -> list[int]:
    """Every process that `pid` or one below it has started, nearest first."""
    parents = _parents()
    found: list[int] = []
    waiting = deque([pid])
    while waiting:
        parent = waiting.popleft()
        children = sorted(child for child, of in parents.items() if of == parent)
        found += children
        waiting.extend(children)
    return found


def title(pid: int) -> str:
    """What a process calls itself; "" for one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def send(pid: int, signal: int) -> None:
    """Raises Refusal where there is no right to, or no such process."""
    try:
        os.kill(pid, signal)
    except PermissionError:
        raise Refusal(f"Process {pid} is another user's: run this as the user who may end it (root).") from None
    except ProcessLookupError:
        raise Refusal(f"There is no process {pid} on this machine: chaos needs the stack's processes here.") from None


def _parents() -> dict[int, int]:
    """Of every process that there is now."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            _state, parent = file.read_text().rpartition(")")[2].split()[:2]
            found[int(file.parent.name)] = int(parent)
    return found
