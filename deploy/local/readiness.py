"""Waits until programs are ready: each is asked on its own port, and a program that keeps ending is told at once.

Asks and waits only. What to do about a program that does not get ready is its caller's to decide.
"""

import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from deploy.engine import Refusal
from deploy.known import Metrics
from deploy.local.programs import Program
from deploy.local.supervisor.client import Process
from deploy.undisturbed import go_on

_PATIENCE = 60.0  # seconds until all of them must be ready
_PAUSE = 0.05  # seconds between two rounds
_UNROUTED = "/.portico/who"  # no function's: the gateway itself answers 404, and says which instance it is
_ANSWER_TIME = 2.0  # seconds that one answer may take
_UNHEARD = (OSError, http.client.HTTPException)


def until_ready(
    programs: Iterable[Program], processes: Callable[[], Mapping[str, Process]], log: Callable[[str], Path]
) -> None:
    """Returns when each program is ready. Raises Refusal that names one that is not, and why.

    They are asked one after another, from the inside out: nginx would remember that gateways were not there yet. A
    program that ends twice right after its start is not waited for; once may have been somebody's `kill`. What becomes
    of other programs is not their affair.
    """
    programs = [*programs]
    mine = {program.name for program in programs}
    failures: set[tuple[str, int]] = set()
    give_up = time.monotonic() + _PATIENCE
    for program in programs:
        while not ready(program):
            found = [process for process in processes().values() if process.name in mine and process.failed]
            failures |= {(process.name, process.started) for process in found}
            for name, times in Counter(name for name, _ in failures).items():
                if times > 1:
                    raise Refusal(f"{name} stopped right after its start{_said(log(name))}.")
            if time.monotonic() > give_up:
                raise Refusal(f"{program.name} is not ready after {_PATIENCE:.0f} s{_said(log(program.name))}.")
            go_on()
            time.sleep(_PAUSE)


def until_seen(front: Program, gateways: Iterable[str]) -> None:
    """Returns when each of `gateways` has answered through nginx, which looks at an empty slot every second or two."""
    unseen = set(gateways)
    give_up = time.monotonic() + _PATIENCE
    while unseen:
        go_on()
        unseen.discard(_who(front.address, _UNROUTED))
        if time.monotonic() > give_up:
            raise Refusal(f"nginx does not reach {min(unseen)}: look at the state of it with `just ps`.")


def ready(program: Program) -> bool:
    """Whether it answers 200 where it should, or takes connections if it has nowhere to be asked."""
    try:
        return _get(program.address, program.ready)[0].status == 200 if program.ready else _listens(program.address)
    except _UNHEARD:
        return False


def pages(programs: Iterable[Program], gateways: Collection[str]) -> dict[str, Metrics]:
    """A way to read the metrics of each of `programs` that is one of `gateways`, by its name."""
    return {program.name: partial(metrics, program) for program in programs if program.name in gateways}


def metrics(program: Program) -> str:
    """Its page of metrics; "" when nobody answers."""
    try:
        return _get(program.address, "/metrics")[1]
    except _UNHEARD:
        return ""


def _who(address: tuple[str, int], path: str) -> str:
    """The instance that answers; "" when nobody does."""
    try:
        return _get(address, path)[0].headers.get("X-Instance", "")
    except _UNHEARD:
        return ""


def _get(address: tuple[str, int], path: str) -> tuple[http.client.HTTPResponse, str]:
    """An answer and its content. Raises OSError or HTTPException when there is none."""
    connection = http.client.HTTPConnection(*address, timeout=_ANSWER_TIME)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def _listens(address: tuple[str, int]) -> bool:
    with socket.create_connection(address, timeout=_ANSWER_TIME):
        return True


def _said(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f" ({_event(last)}): read {log}" if last else f": read {log}"


def _event(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return str(entry.get("event", line)) if isinstance(entry, dict) else line
