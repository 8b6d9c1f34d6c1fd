"""What a shell sees of a verb."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_who_stops_reading_early_is_told_nothing(tmp_path: Path) -> None:
    told = os.environ | {"ENGINE": "local", "PORTICO_STATE": str(tmp_path)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "explain", "GET", "/products"],
        cwd=ROOT, env=told, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
