"""A function of a test, served as every function is: `python -m runtime.serving.serve` in a process of its own.

It is told a folder and an environment; what it says, how it ends and what a client sees of it is there to be asserted.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]

MANIFEST = 'name = "tiny"\n[app]\nmodule = "tiny"\n'


class Instance:
    """One process. Its output is kept in a file, so that it never waits for a reader."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._log = folder / f"{self.port}.log"
        told = {"PORT": str(self.port), "LOG_FORMAT": "json", "DRAIN_NOTICE": "0", **environment}
        path = os.pathsep.join((str(ROOT), str(folder)))
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runtime.serving.serve", str(folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": path, **told},
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it logged. Fails for a line that is no object, as a traceback's are."""
        return [json.loads(line) for line in self.output.splitlines()]

    def says(self, event: str) -> "Instance":
        """Returns once `event` is in its output. Raises RuntimeError when it ends without."""
        while f'"event":"{event}"' not in self.output:
            if self.process.poll() is not None and f'"event":"{event}"' not in self.output:
                raise RuntimeError(f"ended with {self.process.returncode} before it said {event!r}:\n{self.output}")
            self._wait_a_little()
        return self

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        """Its exit code, once there is one."""
        return self.process.wait()

    def kill(self) -> None:
        """Ends it at once; harmless when it has ended."""
        self.process.kill()
        self.process.wait()

    def _wait_a_little(self) -> None:
        try:
            self.process.wait(0.01)
        except subprocess.TimeoutExpired:
            return


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Instance]:
    """An instance for the length of the block, whatever happens in it."""
    instance = Instance(folder, **environment)
    try:
        yield instance
    finally:
        instance.kill()


def function(folder: Path, code: str, manifest: str = MANIFEST) -> Path:
    """Writes a function into `folder`: its module `tiny`, and its manifest."""
    (folder / "tiny.py").write_text(code)
    (folder / "function.toml").write_text(manifest)
    return folder
