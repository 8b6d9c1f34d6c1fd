"""What has begun to be put back is put back: whoever interrupts a second time is told so, and cuts nothing.

Ctrl-C reaches every program of the terminal at once, so what a verb waits for runs apart from it: the verb decides what
an interruption means, and tells it on.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TOLD = b"Still putting things back as they were: wait until that is done.\n"


@contextmanager
def undisturbed() -> Iterator[None]:
    """For the length of the block an interruption is answered by a sentence. Other threads than the first get none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _tell) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def apart(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, out of the terminal's reach, and keeps what it prints."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    ) as process:
        try:
            out, error = process.communicate()
        except BaseException:
            with undisturbed():
                process.terminate()
                process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def _tell(_signal: int, _frame: object) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _TOLD)
