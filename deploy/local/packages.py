"""Programs that come from the system's package manager: nginx, Redis, PostgreSQL for tests.

Installs them as root on Debian and Ubuntu, with their services left off; elsewhere it says what to install.
Runs before anything of this project is installed, so it needs nothing but Python.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.engine import Refusal

# program: its package for apt, dnf and brew
PACKAGES = {
    "nginx": ("nginx", "nginx", "nginx"),
    "redis-server": ("redis-server", "redis", "redis"),
    "psql": ("postgresql", "postgresql-server", "postgresql"),
    "wrk": ("wrk", "wrk", "wrk"),
    "taskset": ("util-linux", "util-linux", "util-linux"),
    "chromium": ("chromium", "chromium", "chromium"),
    "git": ("git", "git", "git"),
    "npm": ("npm", "npm", "node"),
}
_MANAGERS = ("apt-get", "dnf", "brew")
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin")  # not on every user's PATH
_LOCKED = re.compile(r"Could not get lock|Unable to (?:lock|acquire)")
_PATIENCE, _PAUSE = 300.0, 1.0  # seconds that another apt-get is waited for, and between two attempts
_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by Debian's packages before they start a service


def find(program: str) -> str | None:
    """Its full path, or None."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *_SBIN]))


def require(program: str) -> str:
    """Its full path. Raises Refusal that says how to install it."""
    if path := find(program):
        return path
    raise Refusal(instruction([program]))


def ensure(programs: Sequence[str], say: Callable[[str], None]) -> None:
    """Returns when all of them are there. Raises Refusal that says what to install when it may not or can't."""
    missing = [program for program in programs if not find(program)]
    if not missing:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise Refusal(instruction(missing))
    names = [PACKAGES[program][0] for program in missing]
    say(f"Installing {', '.join(names)} from the system's packages")
    with _services_stay_off(names):
        _apt_install(names)


def instruction(missing: Sequence[str], manager: str | None = None) -> str:
    """One sentence: what is missing and the command that installs it, by the manager that this system has."""
    manager = manager or next((name for name in _MANAGERS if shutil.which(name)), None)
    if manager is None:
        return f"{' and '.join(missing)} must be installed: there is no apt-get, dnf or brew here to name packages of."
    names = " ".join(PACKAGES[program][_MANAGERS.index(manager)] for program in missing)
    right = "" if manager == "brew" else "sudo "
    return f"{' and '.join(missing)} must be installed: {right}{manager} install {names}"


def _apt_install(names: Sequence[str]) -> None:
    """A fresh machine has no lists of packages yet: then they are fetched first."""
    install = ["install", "--yes", "--quiet", "--no-install-recommends", *names]
    if _apt(install).returncode and (_apt(["update", "--quiet"]).returncode or _apt(install).returncode):
        said = _apt(install).stderr.strip().splitlines()
        raise Refusal(f"apt-get can't install {' '.join(names)}: {said[-1] if said else 'it did not say why'}")


def _apt(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What came of it, once nobody else has the system's packages: they are locked while they are looked at."""
    environment = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    give_up = time.monotonic() + _PATIENCE
    while True:
        done = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True, check=False)
        if not done.returncode or not _LOCKED.search(done.stderr) or time.monotonic() > give_up:
            return done
        time.sleep(_PAUSE)


@contextmanager
def _services_stay_off(names: Sequence[str]) -> Iterator[None]:
    """Debian starts and enables what it installs; this stack runs its own, so neither now nor at the next boot."""
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink()
        if shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", "--quiet", *names], capture_output=True, check=False)
