"""What a request costs those who answer it: processor time, memory, and what they write.

In: processes. Out: seconds and bytes. Time is what the processor spent on a process, not the clock's: what else the
machine does makes no difference.
"""

import time
from collections.abc import Callable
from pathlib import Path
from resource import getpagesize

from tests.contract.functions.gateway.town import Served

_OF_THE_PROCESS = 2  # which clock of it (CPUCLOCK_SCHED in Linux)


def seconds(pid: int) -> float:
    """Processor time of a process, of all its threads, those that ended too (clock_getcpuclockid)."""
    return time.clock_gettime(~pid << 3 | _OF_THE_PROCESS)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * getpagesize()


def written(served: Served) -> int:
    """Bytes of its log."""
    return sum(map(len, served.log))


class Meter:
    """Counts from now on, over some processes together."""

    def __init__(self, *among: Served) -> None:
        self._among = among
        self._began = self._sum(seconds), self._sum(resident)
        self._had_written = sum(map(written, among))

    @property
    def seconds(self) -> float:
        return self._sum(seconds) - self._began[0]

    @property
    def resident(self) -> int:
        return int(self._sum(resident) - self._began[1])

    @property
    def written(self) -> int:
        return sum(map(written, self._among)) - self._had_written

    def _sum(self, of: Callable[[int], float]) -> float:
        return sum(of(served.pid) for served in self._among)
