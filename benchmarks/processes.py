"""A program under measurement: started on one core, its CPU time and memory read from the kernel, and ended.

In: a command. Out: seconds of CPU and bytes of memory of it and all its children, by the kernel's own accounting.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PATIENCE = 20.0  # seconds until a program listens, or is idle
_MOMENT = 0.1  # seconds: a few ticks of the kernel's accounting


class Family:
    """A process and its children, by its number."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def cpu(self) -> float:
        """Seconds of CPU, user and system, since the start."""
        return sum(_cpu(pid) for pid in self._family())

    def memory(self) -> int:
        """Bytes that are resident; pages that children share are counted for each."""
        return sum(int(_read(pid, "statm").split()[1]) * _PAGE for pid in self._family())

    def _family(self) -> list[int]:
        found = [self._pid]
        for pid in found:
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found


class Program(Family):
    """A program that was started here."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(process.pid)
        self._process = process

    def end(self) -> None:
        """Asks it to end, and insists after a while."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, sent)
                try:
                    self._process.wait(5)
                except subprocess.TimeoutExpired:
                    continue

    def ended(self) -> bool:
        return self._process.poll() is not None

    def until_idle(self) -> None:
        """Returns when it has used next to nothing for a moment, or after a while all the same."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not self.ended():
            before = self.cpu()
            time.sleep(_MOMENT)
            if self.cpu() - before < _MOMENT / 4:
                return


@contextmanager
def running(
    command: Sequence[str], port: int, core: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """`command`, pinned to `core`, from when it listens on `port` to the end of the block."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=told,
            stderr=told,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    program = Program(process)
    try:
        _until_it_listens(program, port, log)
        yield program
    finally:
        program.end()


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_block(size: int) -> int:
    """The first of so many ports in a row that nobody listens on at this moment."""
    return next(base for base in range(18_080, 32_000, size) if all(map(_is_free, range(base, base + size))))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _until_it_listens(program: Program, port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and not program.ended():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise SystemExit(f"a program did not start:\n{log.read_text()[-2000:]}")


def _cpu(pid: int) -> float:
    """Fields 14 and 15 of proc(5)'s stat; a name may hold spaces, so they are counted from its closing parenthesis."""
    user, system = _read(pid, "stat").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICK


def _read(pid: int, file: str) -> str:
    return Path(f"/proc/{pid}/{file}").read_text()
