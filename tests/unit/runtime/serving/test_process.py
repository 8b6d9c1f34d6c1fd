"""runtime/serving/process.py: what a process tells of itself."""

import asyncio
import os
from pathlib import Path

from runtime.serving.process import Lag, measured
from runtime.telemetry.metrics import Metrics


def told(metrics: Metrics) -> dict[str, float]:
    shown = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split(" ") for line in shown)}


def test_memory_and_files_are_read_when_asked(tmp_path: Path) -> None:
    (tmp_path / "fd").mkdir()
    (tmp_path / "statm").write_text("900 100 20 5 0 300 0\n")
    metrics = Metrics()
    measured(metrics, tmp_path)
    (tmp_path / "fd" / "7").touch()
    shown = told(metrics)
    assert shown["process_resident_memory_bytes"] == 100 * os.sysconf("SC_PAGE_SIZE")
    assert shown["process_open_fds"] == 1
    assert shown["process_cpu_seconds_total"] > 0
    assert shown["process_start_time_seconds"] > 1_600_000_000


def test_what_a_system_does_not_tell_is_left_out(tmp_path: Path) -> None:
    metrics = Metrics()
    measured(metrics, tmp_path / "none")
    assert set(told(metrics)) == {"process_cpu_seconds_total", "process_start_time_seconds"}


async def test_lag_is_told_again_and_again_until_it_is_stopped() -> None:
    told: asyncio.Queue[float] = asyncio.Queue()
    lag = Lag(told.put_nowait, interval=0)
    lag.start()
    assert await told.get() >= 0
    assert await told.get() >= 0
    lag.stop()
    while not told.empty():
        told.get_nowait()
    for _ in range(3):
        await asyncio.sleep(0)
    assert told.empty()


def test_a_lag_that_never_began_may_be_stopped() -> None:
    told: list[float] = []
    Lag(told.append).stop()
    assert told == []
