"""A rollout on the local engine: releases instead of images, and instances that keep their slots.

nginx knows sixteen slots, so a new instance can't stand beside the old one for good: a spare one in the next free slot
serves while each slot in turn is drained and started anew. With sixteen instances there is none, and fifteen serve.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.engine import GATEWAY, MOST_INSTANCES, Refusal, Say
from deploy.front import LOOPBACK
from deploy.interpreter import python
from deploy.local import ports, readiness
from deploy.local.layout import Layout
from deploy.local.programs import Program, instance
from deploy.local.releases import Pointers, Releases
from deploy.local.roster import Roster
from deploy.local.supervisor.client import Supervisor
from deploy.manifests import Manifests, Turn

_TRIAL = 2  # above the front door's port: where no request goes
_PAUSE = 0.05  # seconds between two looks


class LocalFleet:
    """See deploy.rollout.Fleet. What `current` points to is the new version from `prepare` on."""

    def __init__(  # noqa: PLR0913  all but one are said by name
        self,
        layout: Layout,
        *,
        roster: Roster,
        releases: Releases,
        manifests: Manifests,
        supervisor: Supervisor,
        migrate: Callable[[], None],
        say: Say,
    ) -> None:
        self._layout = layout
        self._roster = roster
        self._releases = releases
        self._turn = Turn(manifests)
        self._supervisor = supervisor
        self.migrate = migrate
        self._say = say
        self._names = sorted(layout.functions, key=lambda name: name == GATEWAY)
        self._before = {name: releases.pointers(name) for name in self._names}
        self._everything = False
        self._rolls_gateways = False
        self._touched: list[str] = []

    def prepare(self, *, everything: bool) -> list[str]:
        self._refuse_new_functions()
        self._everything = everything
        self._turn.take()
        adopted = self._releases.adopt({name: self._releases.take(name) for name in self._names})
        if adopted or self._turn.changed:
            self._turn.remember()
        for name in self._names if self._turn.changed and not adopted else ():
            self._releases.point(name, Pointers(self._before[name].current))
        return self._replaced(lambda name: everything or self._stale(name))

    def prepare_previous(self) -> list[str]:
        changed = [name for name in self._names if self._before[name].previous]
        self._turn.take_previous()
        if not changed and not self._turn.changed:
            raise Refusal("There is nothing to go back to: nothing was deployed yet, or it was no change.")
        for name in changed:
            self._releases.point(name, Pointers(self._before[name].previous, self._before[name].current))
        self._turn.remember()
        return self._replaced(lambda name: name in changed)

    def apply(self) -> bool:
        applied = self._turn.apply(replacing=self._rolls_gateways)
        if applied:
            self._say("The manifests of this version are served")
        return applied

    def rehearse(self, function: str) -> None:
        trial = self._trial(function)
        with _running(trial, self._layout.log(trial.name)) as process:
            said = _shown(trial, process, self._asked(function))
        if said:
            raise Refusal(f"The new version of {function} does not work: {said}. Nothing was replaced.")
        self._say(f"Tried the new version of {function}: it works")

    def replace(self, function: str) -> None:
        self._touched.append(function)
        self._roll(function, everything=self._everything or (function == GATEWAY and self._turn.rolls))
        self._say(f"Replaced {function}, one instance at a time")

    def keep(self) -> None:
        for name in self._names:
            self._releases.prune(name)

    def turn_back(self) -> None:
        for name, pointers in self._before.items():
            self._releases.point(name, pointers)
        self._turn.turn_back()
        for name in reversed(self._touched):
            self._say(f"Turning {name} back")
            self._roll(name, everything=name == GATEWAY and self._turn.rolls)

    def _replaced(self, chosen: Callable[[str], bool]) -> list[str]:
        """The chosen ones; also gateways, where they can't take in the manifests as they run."""
        found = [name for name in self._names if chosen(name) or (name == GATEWAY and self._turn.rolls)]
        self._rolls_gateways = GATEWAY in found
        return found

    def _roll(self, function: str, *, everything: bool) -> None:
        """A spare one stands in for each that is started anew."""
        programs = self._programs(function)
        turn = [program for program in programs if everything or self._roster.stale(program)]
        spare = self._spare(function, len(programs))
        for program in [*spare, *turn] if turn else ():
            self._start(program)
        for program in spare:  # also one that a failed attempt has left
            self._roster.remove(program.name)
        self._supervisor.update()

    def _start(self, program: Program) -> None:
        """Drains the one that has this slot, if one has, and returns when the new one is ready and reached."""
        known = program.name in self._supervisor.processes()
        self._roster.add(program)
        if not self._supervisor.update() and known:
            self._supervisor.restart(program.name)
        readiness.until_ready([program], self._supervisor.processes, self._layout.log)
        if program.name in self._layout.slots(GATEWAY):
            readiness.until_seen(self._roster.programs()[-1], [program.name])

    def _spare(self, function: str, running: int) -> list[Program]:
        """In the slot above the last; none where all are taken, or where nothing runs."""
        if not 0 < running < MOST_INSTANCES:
            return []
        spare = instance(self._layout, function, running + 1)
        if spare.name not in self._supervisor.processes():
            ports.require(*spare.address, f"end it, {spare.name} belongs there")
        return [spare]

    def _programs(self, function: str) -> list[Program]:
        count = self._roster.instances()[function]
        return [instance(self._layout, function, number) for number in range(1, count + 1)]

    def _stale(self, function: str) -> bool:
        return any(self._roster.stale(program) for program in self._programs(function))

    def _trial(self, function: str) -> Program:
        """An instance that is no member, on a port that is no slot."""
        port = self._layout.port + _TRIAL
        ports.require(LOOPBACK, port, "end it: a new version is tried there")
        usual = instance(self._layout, function, 1)
        told = {**usual.environment, "PORT": str(port), "INSTANCE": f"{function}-trial", "DRAIN_NOTICE": "0"}
        told.pop("ENDPOINTS_DIR")
        if function == GATEWAY:
            told |= {"MANIFESTS_DIR": "", "FUNCTIONS_DIR": str(self._turn.folder)}
        return replace(usual, name=f"{function}-trial", address=(LOOPBACK, port), environment=told)

    def _asked(self, function: str) -> list[str]:
        """Whose smoke calls it must answer: its own, or a gateway those of all that run."""
        running = self._roster.instances()
        return [name for name in self._names if name != GATEWAY and running[name] and function in (name, GATEWAY)]

    def _refuse_new_functions(self) -> None:
        new = [name for name in self._names if not self._before[name].current]
        if new:
            raise Refusal(f"{', '.join(new)} never ran here: `just up` takes it in, and then it can be deployed.")


@contextmanager
def _running(program: Program, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """For the length of the block; what it writes is in `log`."""
    environment = {**os.environ, **program.environment}
    with log.open("wb") as written:
        process = subprocess.Popen(
            program.command, cwd=program.directory, env=environment, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _shown(program: Program, process: "subprocess.Popen[bytes]", names: list[str]) -> str:
    """What is wrong with it, "" if it showed that it works."""
    command = python("-m", "runtime.trial", *names)
    environment = {**os.environ, **program.environment}
    with subprocess.Popen(command, cwd=program.directory, env=environment, stderr=subprocess.PIPE, text=True) as trial:
        assert trial.stderr is not None
        while trial.poll() is None:
            if process.poll() is not None:
                trial.kill()
                return "it stopped right after its start"
            time.sleep(_PAUSE)
        return trial.stderr.read().strip()
