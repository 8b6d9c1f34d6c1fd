"""A package: one archive with a function, the runtime, all that both need as it is locked, and Unit's object of it.

In: a checkout and a name. Out: a file that is the same whenever and wherever it is made of the same, for one version of
Python. It holds no secret and no setting: those come with the environment.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import bootstrap
from deploy.engine import Refusal
from deploy.interpreter import python as interpreter
from deploy.interpreter import surroundings
from deploy.package import contents, entry, unit

HERE = unit.HERE


def build(root: Path, name: str, target: Path, python: str = HERE, below: str = unit.HOME) -> Path:
    """Writes `target`/`name`.tar.gz, for that Python, to be unpacked in `below`. Raises Refusal."""
    told = unit.application(root, name, f"python {python}", unit.unpacked(below, name))
    packed = contents.files(root, name)
    with TemporaryDirectory() as made:
        folder = Path(made)
        for file in packed:
            _copy(file, folder / file.relative_to(root))
        _copy(Path(entry.__file__), folder / "__main__.py")
        (folder / "unit.json").write_text(f"{json.dumps(told, indent=2)}\n", encoding="utf-8")
        _install(root, lock(root, name), folder / unit.PACKAGES, python)
        if python == HERE:
            _compile(folder)
        return _pack(folder, name, target / f"{name}.tar.gz")


def lock(root: Path, name: str) -> Path:
    """The lock file of all that the function needs: its own, or that of its kind."""
    kind = "database" if (root / "functions" / name / "schema").is_dir() else "runtime"
    own = root / "requirements" / f"{name}.txt"
    return own if own.exists() else own.with_name(f"{kind}.txt")


def _install(root: Path, lock: Path, folder: Path, python: str) -> None:
    where = ["--target", str(folder), "--python", sys.executable, "--python-version", python]
    how = ["--require-hashes", "--only-binary", ":all:", "--quiet"]
    _run([bootstrap.find_uv(root), "pip", "install", *how, *where, "-r", str(lock)])
    shutil.rmtree(folder / "bin", ignore_errors=True)  # they name the Python of this machine
    (folder / ".lock").unlink(missing_ok=True)


def _compile(folder: Path) -> None:
    """Bytecode that is believed without a look at the source: where it is unpacked, nobody may be able to write it."""
    how = ["-q", "-j", "0", "-s", str(folder), "--invalidation-mode", "unchecked-hash"]
    _run(interpreter("-m", "compileall", *how, str(folder)))


def _pack(folder: Path, name: str, target: Path) -> Path:
    """An archive that says nothing of who made it and when."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 1, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(_files(folder)):
            archive.add(path, f"{name}/{path.relative_to(folder)}", filter=_anonymous)
    return target


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=surroundings(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Refusal(f"The package can't be made: {said[-1] if said else f'{command[0]} did not say why'}")
