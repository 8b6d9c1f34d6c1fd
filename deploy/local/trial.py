"""A new version, tried beside what runs: an instance that is no member, on a port that nobody knows.

In: the program of an instance, and whose smoke calls it must answer. Out: what is wrong, "" if it showed that it works.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from deploy.front import LOOPBACK
from deploy.interpreter import python
from deploy.local import ports
from deploy.local.programs import Program
from deploy.undisturbed import go_on
from deploy.why import why

_PAUSE = 0.02  # seconds between two looks


def shown(usual: Program, function: str, names: list[str], log: Path) -> str:
    """`usual` is the program of its first instance; what it writes is in `log`."""
    trial = _aside(usual, function)
    with _running(trial, log) as process:
        said = _asked(trial, process, names)
    if not said:
        return ""
    return "\n".join([f"{said}. Nothing was replaced.", *why(log.read_text(errors="replace"), function, str(log))])


def _aside(usual: Program, function: str) -> Program:
    port, name = ports.free(), f"{function}-trial"
    told = {**usual.environment, "PORT": str(port), "INSTANCE": name, "DRAIN_NOTICE": "0"}
    told.pop("MEMBERS_DIR")
    return replace(usual, name=name, address=(LOOPBACK, port), environment=told)


@contextmanager
def _running(program: Program, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """For the length of the block; out of the terminal's reach, as who is interrupted ends it."""
    environment = {**os.environ, **program.environment}
    with log.open("wb") as written:
        process = subprocess.Popen(
            program.command,
            cwd=program.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _asked(program: Program, process: "subprocess.Popen[bytes]", names: list[str]) -> str:
    command = python("-m", "runtime.serving.self_check", *names)
    environment = {**os.environ, **program.environment}
    with tempfile.TemporaryFile("w+") as written:
        with subprocess.Popen(
            command, cwd=program.directory, env=environment, stderr=written, process_group=0
        ) as trial:
            if not _ended(trial, process):
                return "it stopped right after its start"
        return _read(written)


def _ended(trial: "subprocess.Popen[bytes]", process: "subprocess.Popen[bytes]") -> bool:
    """Whether the trial came to its end; it is ended when what it asks is gone."""
    try:
        while trial.poll() is None:
            if process.poll() is not None:
                return False
            go_on()
            time.sleep(_PAUSE)
        return True
    finally:
        if trial.poll() is None:
            trial.kill()


def _read(written: IO[str]) -> str:
    written.seek(0)
    return written.read().strip()
