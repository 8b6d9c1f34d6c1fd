"""A package as it is used: unpacked outside the repository, told where its data is, run with an empty environment."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from deploy.package import unit

UNITLIKE = Path(__file__).with_name("unitlike.py")
# Not the one of the project's environment, which has everything; and -S leaves out what else is installed with it.
PYTHON = (f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}", "-I", "-S")


class Package:
    """One that was unpacked in `folder`, and what an operator edits in it."""

    def __init__(self, archive: Path, folder: Path) -> None:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        self.name = archive.name.removesuffix(".tar.gz")
        self.home = folder / self.name
        self.object: dict[str, Any] = json.loads(
            (self.home / "unit.json").read_text().replace(f"{unit.HOME}/{self.name}", str(self.home))
        )

    def told(self, **environment: str) -> Path:
        """A file with the object, where the environment says this."""
        file = self.home.parent / f"{self.name}-told.json"
        told = {**self.object["environment"], **environment}
        known = {name: value for name, value in told.items() if not value.startswith("/run/")}
        file.write_text(json.dumps({**self.object, "environment": known}))
        return file

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`python3 FOLDER ARGUMENTS`, from another place."""
        command = [*PYTHON, str(self.home), *arguments]
        return subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def load(self, file: Path) -> subprocess.CompletedProcess[str]:
        """What comes of loading it as Unit does."""
        command = [*PYTHON, str(UNITLIKE), "load", str(file)]
        return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)
