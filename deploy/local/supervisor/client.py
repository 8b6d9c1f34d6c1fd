"""Talks to one stack's supervisord over its Unix socket: who runs, add, remove, restart, shut down.

Waits are for conditions that supervisord reports. It decides nothing about what should run.
"""

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy, Transport

from supervisor.states import ProcessStates

from deploy.engine import Refusal
from deploy.interpreter import python
from deploy.local.supervisor.config import STOP_GRACE
from deploy.local.supervisor.faults import Faults
from deploy.undisturbed import go_on

_PAUSE = 0.05  # seconds between two looks
_ANSWER = 10.0  # seconds that an answer may take: one that is frozen gives none
_DONT_WAIT = False
_ENDED = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL)


@dataclass(frozen=True, slots=True)
class Process:
    """A program as supervisord sees it; `started` and `now` are in seconds, of supervisord's clock."""

    name: str
    state: str
    pid: int
    started: int
    now: int

    @property
    def uptime(self) -> float | None:
        """In seconds, None when it does not run."""
        return float(self.now - self.started) if self.pid else None

    @property
    def failed(self) -> bool:
        """It ended by itself right after its start."""
        return self.state in ("backoff", "fatal")


class Supervisor:
    """The supervisord behind `socket`, whether or not it runs; `config` is what it is started with."""

    def __init__(self, socket: Path, config: Path) -> None:
        self._socket = socket
        self._config = config

    def running(self) -> bool:
        """Whether it answers."""
        try:
            self._call("getState")
        except OSError:
            return False
        return True

    def start(self) -> None:
        """Starts supervisord and with it every program. Raises Refusal with what it said when it can't."""
        command = python("-P", "-m", "supervisor.supervisord", "-c", str(self._config))
        folder = self._config.parent.parent  # what its file names is below the stack's folder
        started = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if started.returncode:
            said = (started.stderr or started.stdout).strip().splitlines()
            raise Refusal(f"supervisord did not start: {said[0] if said else 'it said nothing'}")
        _until(self.running, 10, "supervisord did not answer on its socket")

    def processes(self) -> dict[str, Process]:
        """Every program that supervisord knows, by its name."""
        return {info["name"]: _process(info) for info in self._call("getAllProcessInfo")}

    def update(self, only: Collection[str] | None = None) -> bool:
        """Takes over the program files as they are now, or those of `only`; returns when those that go are gone.

        Whether any changed. Several callers may be at it at once, each with programs of its own.
        """
        added, changed, removed = (
            [name for name in names if only is None or name in only] for names in self._differences()
        )
        self._remove([*removed, *changed])
        for name in (*added, *changed):
            self._unless([Faults.ALREADY_ADDED], "addProcessGroup", name)
        return bool(added or changed or removed)

    def pending(self) -> set[str]:
        """Programs whose file is not what runs, or that have one and are not known."""
        added, changed, _ = self._differences()
        return {*added, *changed}

    def stop(self, names: Iterable[str]) -> None:
        """Stops these programs all at once, those that there are, and returns when each has ended."""
        names = set(names) & set(self.processes())
        for name in names:
            self._unless([Faults.NOT_RUNNING, Faults.BAD_NAME], "stopProcess", name, _DONT_WAIT)
        _until(lambda: not names & self._alive(), STOP_GRACE + 10, "a program did not stop")

    def restart(self, name: str) -> None:
        """Returns when the old process is gone and the new one is started."""
        self.stop([name])
        self._unless([Faults.ALREADY_STARTED], "startProcess", name, _DONT_WAIT)

    def revive(self) -> bool:
        """Starts what was stopped or given up; whether there was any."""
        ended = set(self.processes()) - self._alive()
        for name in ended:
            self._unless([Faults.ALREADY_STARTED], "startProcess", name, _DONT_WAIT)
        return bool(ended)

    def shutdown(self) -> None:
        """Stops what is left and supervisord itself; returns when it is gone."""
        self._call("shutdown")
        pidfile = self._socket.with_name("supervisord.pid")
        _until(lambda: not pidfile.exists(), STOP_GRACE + 10, "supervisord did not stop")

    def _alive(self) -> set[str]:
        infos = self._call("getAllProcessInfo")
        return {info["name"] for info in infos if info["state"] not in _ENDED}

    def _differences(self) -> Sequence[Sequence[str]]:
        """Programs by how their files differ from what is known: added, changed, removed."""
        try:
            found: Sequence[Sequence[str]] = self._call("reloadConfig")[0]
        except Fault as fault:  # as one does that runs by another version's files
            raise Refusal(f"supervisord can't go on ({fault.faultString}): `just down`, then `just up`.") from None
        return found

    def _remove(self, names: Collection[str]) -> None:
        """One that had ended by itself may be started again between its stop and its removal: then once more."""

        def gone() -> bool:
            self.stop(names)
            return all(self._unless([Faults.BAD_NAME], "removeProcessGroup", name, still=False) for name in names)

        if names:
            _until(gone, STOP_GRACE + 10, "a program did not go")

    def _unless(self, harmless: Collection[int], method: str, name: str, *how: bool, still: bool = True) -> bool:
        """Does it, whatever of `harmless` it says; False where that is STILL_RUNNING, which is a fault if `still`."""
        try:
            self._call(method, name, *how)
        except Fault as fault:
            if fault.faultCode == Faults.STILL_RUNNING and not still:
                return False
            if fault.faultCode not in harmless:
                raise
        return True

    def _call(self, method: str, *arguments: str | bool) -> Any:  # noqa: ANN401  XML-RPC answers have no types
        with ServerProxy("http://supervisord", transport=_OverSocket(self._socket)) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except Fault as fault:
                if fault.faultCode != Faults.SHUTDOWN_STATE:
                    raise
                raise Refusal("supervisord is about to end: wait until it has, then `just up`.") from None


class _OverSocket(Transport):
    """XML-RPC through a Unix socket, a connection for each call."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401  as the base class has it
        connection = http.client.HTTPConnection(str(host))
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(_ANSWER)
        self._connection = host, connection
        connection.sock.connect(str(self._path))
        return connection


def _process(info: dict[str, Any]) -> Process:
    return Process(info["name"], info["statename"].lower(), info["pid"], info["start"], info["now"])


def _until(condition: Callable[[], bool], patience: float, otherwise: str) -> None:
    give_up = time.monotonic() + patience
    while not condition():
        if time.monotonic() > give_up:
            raise Refusal(f"{otherwise} within {patience:.0f} s: look into supervisord.log in the logs folder.")
        go_on()
        time.sleep(_PAUSE)
