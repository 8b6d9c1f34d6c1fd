"""What this process costs, and how late its event loop is: the metrics that every function has.

In: a registry. Out: `process_` metrics under the names that Prometheus's own clients use, read from /proc when somebody
asks, and the lag of the loop, which a timer notices. Where there is no /proc, what it would tell is left out.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from runtime.serving import background
from runtime.telemetry.metrics import Metrics, Read

_INTERVAL = 0.5  # seconds between two looks at how late the loop is


def measured(metrics: Metrics, folder: Path = Path("/proc/self")) -> None:
    """Adds CPU, memory, open files and age of this process."""
    started = time.time()
    page = os.sysconf("SC_PAGE_SIZE")
    metrics.ask("counter", "process_cpu_seconds_total", "CPU time, user and system.", lambda: {(): time.process_time()})
    metrics.ask("gauge", "process_start_time_seconds", "Start, in Unix time.", lambda: {(): started})
    metrics.ask(
        "gauge",
        "process_resident_memory_bytes",
        "Memory that is held.",
        _where_told(lambda: int((folder / "statm").read_text().split()[1]) * page),
    )
    metrics.ask(
        "gauge",
        "process_open_fds",
        "Open files and sockets.",
        _where_told(lambda: len(list((folder / "fd").iterdir()))),
    )


def _where_told(read: Callable[[], float]) -> Read:
    def told() -> dict[tuple[str, ...], float]:
        try:
            return {(): read()}
        except OSError:
            return {}

    return told


class Lag:
    """How much later than asked the event loop calls back, told to `observe` in seconds while it runs."""

    def __init__(self, observe: Callable[[float], None], interval: float = _INTERVAL) -> None:
        self._observe = observe
        self._interval = interval
        self._due = 0.0
        self._beat = background.Beat("event-loop", self._look, interval)

    def start(self) -> None:
        self._due = asyncio.get_running_loop().time() + self._interval
        self._beat.start()

    def stop(self) -> None:
        """Harmless when it does not run."""
        self._beat.stop()

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        late, self._due = now - self._due, now + self._interval
        self._observe(max(0.0, late))
