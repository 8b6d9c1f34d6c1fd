"""Brings a checkout to where the verbs can run: uv, .venv with a locked group of packages, programs of the system.

Runs under the system's own Python, before anything is installed, so it needs nothing but Python's library. It does
nothing when nothing is missing, and changes nothing outside the checkout but packages of the system, as root.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  this file meets the Python that is there
    sys.exit(
        "Portico needs Python 3.11 or newer, and python3 here is {}.{}: install one and put it first in PATH.".format(
            *sys.version_info[:2]
        )
    )

from deploy import choice
from deploy.engine import Refusal
from deploy.interpreter import python, surroundings
from deploy.local import packages
from runtime.visible import visible

ROOT = Path(__file__).resolve().parent.parent
_UV = "0.13.9"  # where there is none on PATH


def main(group: str, programs: list[str]) -> int:
    """Packages of `group` (requirements/GROUP.txt) and `programs` of the system; the exit code."""
    os.umask(os.umask(0o077) | 0o022)  # nobody else may write what is installed here
    try:
        packages.ensure(_of_the_engine(programs), say)
        python_packages(ROOT, group, ".portico/bench/venv" if group == "bench" else ".venv")
    except Refusal as refusal:
        say(str(refusal))
        return 1
    return 0


def _of_the_engine(programs: list[str]) -> list[str]:
    """What "engine" stands for: nothing where Docker brings its own."""
    if programs != ["engine"]:
        return programs
    chosen = choice.choose(ROOT, os.environ, choice.docker_answers)
    return [] if chosen.engine == "docker" else ["nginx", "redis-server"]


def python_packages(root: Path, group: str, folder: str = ".venv") -> None:
    """Makes the environment in `folder` hold what requirements/`group`.txt locks, unless it holds that, or `dev`.

    `dev` has all but `bench`, whose peers would weigh on what they are measured beside, so that one has a folder of its
    own. Nothing is removed: who develops here may have more in it. Bytecode is made at once: where Python is told to
    write none, each start would compile everything anew, for more than a second of CPU.
    """
    environment = root / folder
    stamp, installed = environment / "portico-lock", environment / "bin/python"
    if stamp.exists() and stamp.read_text() in {mark(root, group), mark(root, "dev")}:
        return
    uv = find_uv(root)
    if not installed.exists():
        say(f"Making {folder}")
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)])
    say(f"Installing the packages of requirements/{group}.txt")
    lock = str(root / "requirements" / f"{group}.txt")
    options = ["--quiet", "--compile-bytecode", "--require-hashes"]
    _run([uv, "pip", "install", *options, "--python", str(installed), "-r", lock])
    (environment / ".lock").unlink(missing_ok=True)  # uv's, which anybody may write
    stamp.write_text(mark(root, group))


def mark(root: Path, group: str) -> str:
    """What stands in the stamp when .venv holds `group` as it is locked now."""
    lock = (root / "requirements" / f"{group}.txt").read_bytes()
    return f"{group} {hashlib.sha256(lock).hexdigest()}"


def find_uv(root: Path) -> str:
    """The uv on PATH, or one of its own below .portico: a Python that its system manages takes no packages."""
    folder = root / ".portico" / "uv"
    if found := shutil.which("uv") or shutil.which("uv", path=str(folder / "bin")):
        return found
    say("Installing uv")
    _run(python("-m", "pip", "install", "--quiet", "--target", str(folder), f"uv=={_UV}"))
    return str(folder / "bin" / "uv")


def say(text: str) -> None:
    """One line of progress, apart from any output."""
    print(visible(text, lines=True), file=sys.stderr, flush=True)


def _run(command: list[str]) -> None:
    result = subprocess.run(command, env=surroundings(os.environ), capture_output=True, text=True, check=False)
    if result.returncode:
        said = result.stderr.strip().splitlines()
        raise Refusal(f"`{' '.join(command[:3])} …` failed: {said[-1] if said else 'it did not say why'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
