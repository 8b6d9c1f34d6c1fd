"""What a supervisord that was killed has left: processes that hold the ports, and that nobody looks after any more.

In: where it wrote its process id, and the stack's folders. Out: who is left, by name, and their end. They are known by
the session that supervisord opened for itself, whose number nobody else gets as long as one of them lives, and by where
they run. Where there is no /proc none is found, and their ports are told as taken.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.engine import Say
from deploy.local.layout import Layout
from deploy.local.programs import Program
from deploy.local.supervisor.config import STOP_GRACE

_PROC = Path("/proc")
_PAUSE = 0.05  # seconds between two looks
_DAEMON, _FIRST = "supervisord", 9


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process; `name` is the instance's, or the program's where it is none."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def left(layout: Layout) -> list[Orphan]:
    """Those of a stack whose supervisord does not answer; itself too, if it only is silent."""
    try:
        session = int((layout.run / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return []
    within = [layout.state.resolve(), layout.root.resolve()]
    pids = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    return [Orphan(_name(pid), pid) for pid in sorted(pids) if _is_of(pid, session, within)]


def ended(layout: Layout, programs: Callable[[], Iterable[Program]], say: Say) -> bool:
    """Ends those that there are, as `programs` says how; whether there were any."""
    if orphans := left(layout):
        say(f"supervisord was killed: ending {', '.join(map(str, orphans))}, which it left")
        end(orphans, programs(), STOP_GRACE)
    return bool(orphans)


def end(orphans: Iterable[Orphan], programs: Iterable[Program], patience: float) -> None:
    """Ends them from the outside in, each as its kind finishes what is in flight, or by force after `patience` seconds.

    One that is none of `programs` is ended last, and a supervisord first: it would start the others again.
    """
    tiers = {program.name: program.tier for program in programs} | {_DAEMON: _FIRST}
    found: dict[int, list[Orphan]] = {}
    for orphan in orphans:
        found.setdefault(tiers.get(orphan.name, 0), []).append(orphan)
    for _, each in sorted(found.items(), reverse=True):
        _signal(each, None)
        if not _gone(each, patience):
            _signal(each, signal.SIGKILL)
            _gone(each, patience)


def _signal(orphans: Iterable[Orphan], number: signal.Signals | None) -> None:
    for orphan in orphans:
        with suppress(ProcessLookupError):
            os.kill(orphan.pid, number or (signal.SIGQUIT if orphan.name == "nginx" else signal.SIGTERM))
            os.kill(orphan.pid, signal.SIGCONT)  # one that is frozen hears nothing


def _gone(orphans: Sequence[Orphan], patience: float) -> bool:
    give_up = time.monotonic() + patience
    while any(_alive(orphan.pid) for orphan in orphans):
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE)
    return True


def _is_of(pid: int, session: int, within: Sequence[Path]) -> bool:
    if not _alive(pid) or int(_stat(pid)[3]) != session:
        return False
    if pid == session and _DAEMON not in _read(pid, "cmdline"):
        return False  # somebody else has its number, and so has it all
    try:
        where = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return False
    return any(where.is_relative_to(folder) for folder in within)


def _name(pid: int) -> str:
    told = dict(_told(pid))
    return told.get("INSTANCE") or (_DAEMON if _DAEMON in _read(pid, "cmdline") else _read(pid, "comm").strip())


def _told(pid: int) -> Iterator[tuple[str, str]]:
    """Its environment."""
    for each in _read(pid, "environ").split("\0"):
        name, _, value = each.partition("=")
        yield name, value


def _alive(pid: int) -> bool:
    """Also False for one that has ended, and that nobody has asked after."""
    stat = _stat(pid)
    return bool(stat) and stat[0] not in "ZX"


def _stat(pid: int) -> list[str]:
    """What stands behind the name, which may hold anything: state, parent, group, session, and more."""
    return _read(pid, "stat").rpartition(") ")[2].split()


def _read(pid: int, name: str) -> str:
    """Nothing of one that is gone, or is another user's."""
    try:
        return (_PROC / str(pid) / name).read_text(errors="replace")
    except OSError:
        return ""
