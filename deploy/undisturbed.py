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
from contextvars import ContextVar
from pathlib import Path

from deploy.engine import Refusal

halt: ContextVar[threading.Event | None] = ContextVar("halt", default=None)  # of what is done beside other things
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PAUSE = 0.1  # seconds between two looks at whether to go on
_AGAIN = 3  # times that what an interruption ended before it began is begun again
_TOLD = b"Still putting things back as they were: wait until that is done.\n"


class Halted(Refusal):
    """Something else failed, or somebody interrupted: this was not done."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """For the length of the block an interruption is answered by a sentence; `go_on` lets whatever is within go on.

    Other threads than the first get no interruption.
    """
    if threading.current_thread() is not threading.main_thread():
        told = halt.set(None)
        try:
            yield
        finally:
            halt.reset(told)
        return
    before = {number: signal.signal(number, _tell) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """For the length of the block the first interruption is raised, and each further one answered by a sentence.

    So what is put back because of the first is put back whole, however soon the second comes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: object) -> None:
        for number in before:
            signal.signal(number, _tell)
        raise KeyboardInterrupt

    asked = [number for number in INTERRUPTIONS if signal.getsignal(number) is not signal.SIG_IGN]  # as `nohup` has it
    before = {number: signal.getsignal(number) for number in asked}
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def apart(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, out of the terminal's reach, and keeps what it prints.

    In the moment before a new process leaves the group of this one an interruption ends it, before it has said or done
    anything: then it is begun again. Who waits for it decides what that interruption means.
    """
    done = _once(command, cwd, env)
    for _ in range(_AGAIN):
        if -done.returncode not in INTERRUPTIONS or done.stdout or done.stderr:
            break
        go_on()
        done = _once(command, cwd, env)
    return done


def _once(
    command: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None
) -> "subprocess.CompletedProcess[str]":
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
            out, error = _ended(process)
        except BaseException:
            with undisturbed():
                process.terminate()
                process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def go_on() -> None:
    """Asked from time to time by whatever waits. Raises Halted where what is under way is not to go on."""
    event = halt.get()
    if event is not None and event.is_set():
        raise Halted("It was stopped half-way.")


def _ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it printed, once it has ended."""
    while True:
        try:
            return process.communicate(timeout=_PAUSE)
        except subprocess.TimeoutExpired:
            go_on()


def _tell(_signal: int, _frame: object) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _TOLD)
