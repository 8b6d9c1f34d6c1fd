"""The machine: Python, packages, programs, rights, disk, clock, file descriptors, proxies.

In: the checkout, its folder for state, the environment. Out: findings. It needs nothing but Python, as it is asked
before anything is installed, and changes nothing.
"""

import ctypes
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy import bootstrap
from deploy.doctor.finding import Finding
from deploy.local import packages

_GIB = 1 << 30
_LITTLE, _TOO_LITTLE = 2 * _GIB, _GIB // 2  # of free disk: images alone take a gibibyte, logs 40 MB of each instance
_FILES, _TOO_FEW = 65536, 4096  # descriptors: what the local engine asks for, and with less of which nginx runs out
_LINGERING = (1, 27, 4)  # the first nginx whose reload closes nobody's idle connection
_UNSYNCHRONIZED = 5  # what adjtimex(2) returns where nobody keeps the clock right
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_OWN = ("localhost", "127.0.0.1")


def machine(root: Path, state: Path, environment: Mapping[str, str], engine: str) -> Iterator[Finding]:
    """From what is needed first to what is needed last."""
    yield python(sys.version_info[:3])
    yield installed(root)
    yield from programs(engine)
    yield rights(state)
    yield disk(state, shutil.disk_usage(_there(state)).free)
    yield clock(time.time(), newest(root), adjusted())
    yield descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield proxies(environment)


def python(version: tuple[int, ...]) -> Finding:
    """The one that verbs run on."""
    told = ".".join(map(str, version))
    if (3, 11) <= version < (3, 15):
        return Finding("Python", "ok", told)
    return Finding("Python", "wrong", f"{told} is not 3.11 to 3.14: install one of these, and put it first in PATH.")


def installed(root: Path) -> Finding:
    """The packages of .venv, beside what the checkout has locked."""
    stamp = root / ".venv/portico-lock"
    groups = ("local", "dev")
    if stamp.exists() and stamp.read_text() in [bootstrap.mark(root, group) for group in groups]:
        return Finding("packages", "ok", "as requirements/ has them")
    if not stamp.exists():
        return Finding("packages", "warning", "Nothing is installed in .venv yet: `just up` does that.")
    return Finding(
        "packages", "warning", "requirements/ has changed since .venv was made: `just up` installs what has."
    )


def programs(engine: str) -> Iterator[Finding]:
    """Those that processes without Docker need."""
    for program in ("nginx", "redis-server") if engine == "local" else ():
        path = packages.find(program)
        if not path:
            yield _missing(program)
            continue
        told = said(path, "-v" if program == "nginx" else "--version")
        version = re.search(r"\d+(?:\.\d+)+", told)
        yield _program(program, version[0] if version else "of an unknown version")


def _missing(program: str) -> Finding:
    if not os.geteuid() and shutil.which("apt-get"):
        return Finding(program, "warning", "is not installed yet: `just up` does that.")
    return Finding(program, "wrong", packages.instruction([program]))


def _program(program: str, version: str) -> Finding:
    known = tuple(map(int, re.findall(r"\d+", version)))
    if program == "nginx" and known < _LINGERING:
        why = (
            "before 1.27.4 a reload ends idle connections (docs/operations.md): a newer one doesn't, as in containers."
        )
        return Finding(program, "ok", f"{version}; {why}")
    return Finding(program, "ok", version)


def said(*command: str) -> str:
    """What a program printed; "" where it can't be run."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def rights(state: Path) -> Finding:
    """Whether the stack's folder, or the one that it is to be made in, can be written."""
    folder = _there(state)
    if not os.access(folder, os.W_OK | os.X_OK):
        way = "become its owner, or set PORTICO_STATE to a folder of your own."
        return Finding("rights", "wrong", f"{folder} can't be written by you: {way}")
    if folder.stat().st_mode & 0o002 and folder == state:
        return Finding("rights", "wrong", f"{folder} can be written by everybody: chmod go-w {folder}")
    return Finding("rights", "ok", f"{folder} can be written, by you")


def disk(state: Path, free: int) -> Finding:
    """Room for databases, logs and releases."""
    told = f"{free / _GIB:.1f} GiB are free at {state}"
    if free >= _LITTLE:
        return Finding("disk", "ok", told)
    return Finding("disk", "wrong" if free < _TOO_LITTLE else "warning", f"{told}: make room, or move PORTICO_STATE.")


def newest(root: Path) -> float:
    """When the latest of the checkout's own files was written."""
    return max(file.stat().st_mtime for file in (*root.glob("*.*"), *root.glob("functions/*/*.toml")))


def clock(now: float, written: float, adjusting: int) -> Finding:
    """Tokens are valid by it, on every machine that checks them."""
    if now < written - 60:
        why = f"files of the checkout are {(written - now) / 60:.0f} minutes ahead of it"
        return Finding(
            "clock", "wrong", f"It is late: {why}, and tokens are valid by it: set it right (`chronyc makestep`)."
        )
    if adjusting == _UNSYNCHRONIZED:
        way = "where functions run on several machines, run chrony or systemd-timesyncd."
        return Finding("clock", "warning", f"The system does not say that anybody keeps it right: {way}")
    return Finding("clock", "ok", "kept right by the system" if adjusting >= 0 else "later than every file here")


def adjusted() -> int:
    """What the kernel says of who keeps the clock, as adjtimex(2) returns it; -1 where it doesn't say."""
    asked = (ctypes.c_char * 512)()  # zeros: only asked; larger than the structure is anywhere
    try:
        return int(ctypes.CDLL(None, use_errno=True).adjtimex(asked))
    except (AttributeError, OSError):
        return -1


def descriptors(most: int) -> Finding:
    """Of files and connections that one process may have open: a request that is forwarded holds several."""
    if most == resource.RLIM_INFINITY or most >= _FILES:
        return Finding("file descriptors", "ok", "without a limit" if most < 0 else f"{most} for each process")
    way = f"raise the hard limit of nofile to {_FILES} (ulimit -Hn, /etc/security/limits.conf, LimitNOFILE=)."
    return Finding("file descriptors", "wrong" if most < _TOO_FEW else "warning", f"{most} for each process: {way}")


def proxies(environment: Mapping[str, str]) -> Finding:
    """Which of its variables are set; what is in them may hold a password."""
    named = [name for name in environment if name.lower() in _PROXIES and environment[name]]
    if not named:
        return Finding("proxies", "ok", "none in the environment")
    told = f"{', '.join(sorted(named))}: for what is installed and looked up; nothing within the stack uses it"
    direct = {part.strip() for name in ("no_proxy", "NO_PROXY") for part in environment.get(name, "").split(",")}
    if "*" in direct or direct.issuperset(_OWN):
        return Finding("proxies", "ok", told)
    way = f"export no_proxy={','.join(_OWN)}"
    return Finding("proxies", "warning", f"{told}. curl and browsers would ask it for the front door, too: {way}")


def _there(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
