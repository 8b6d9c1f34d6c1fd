"""A rollout on the local engine: releases instead of images, and instances that keep their slots.

nginx knows sixteen slots, so a new instance can't stand beside the old one for good: a spare one in the next free slot
serves while each slot in turn is drained and started anew. With sixteen instances there is none, and fifteen serve.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from deploy.checked import check
from deploy.engine import GATEWAY, MOST_INSTANCES, Refusal, Say
from deploy.known import until_known
from deploy.local import nginx, ports, readiness, secrets, trial
from deploy.local.databases import Databases
from deploy.local.layout import Layout
from deploy.local.programs import Program, instance
from deploy.local.releases import Pointers, Releases
from deploy.local.roster import Roster
from deploy.local.supervisor.client import Supervisor
from deploy.plan import Plan, functions, plan
from deploy.steps import Steps
from deploy.together import together


class LocalFleet:
    """See deploy.rollout.Fleet. What `current` points to is the new version from `prepare` on.

    `environment` is where new functions' databases may be named.
    """

    def __init__(  # noqa: PLR0913  all but one are said by name
        self,
        layout: Layout,
        *,
        roster: Roster,
        releases: Releases,
        supervisor: Supervisor,
        environment: Mapping[str, str],
        until_ready: Callable[[], None],
        say: Say,
    ) -> None:
        self._layout = layout
        self._roster = roster
        self._releases = releases
        self._supervisor = supervisor
        self._environment = environment
        self._until_ready = until_ready
        self._databases = Databases(layout, lambda _: None)
        self._steps = Steps(say)
        self._names = sorted(layout.functions, key=lambda name: name == GATEWAY)
        self._counts = roster.instances()
        self._before = {name: releases.pointers(name) for name in self._names}
        self._door = nginx.kept(layout)
        self._everything = False
        self._started: list[str] = []
        self._touched: list[str] = []
        self._led = self._certified = False

    def prepare(self, *, everything: bool) -> Plan:
        check(self._layout.root)
        self._everything = everything
        self._certified = nginx.tried(self._layout, self._roster.binaries().nginx)
        with self._steps.step("all functions", "read and copied"):
            changed = self._releases.adopt({name: self._releases.take(name) for name in self._names})
            secrets.add(self._layout, self._environment)
        return self._plan(everything=everything, changed=changed)

    def prepare_previous(self) -> Plan:
        changed = [name for name in self._names if self._before[name].previous]
        if not changed:
            raise Refusal("There is nothing to go back to: nothing was deployed yet, or it was no change.")
        for name in changed:
            self._releases.point(name, Pointers(self._before[name].previous, self._before[name].current))
        return Plan(changed=tuple(changed))

    def migrate(self, function: str) -> None:
        if self._databases.has_data(function):
            with self._steps.step(function, "schema is up to date"):
                self._databases.migrate(function)

    def rehearse(self, function: str) -> None:
        log = self._layout.log(f"{function}-trial")
        with self._steps.step(function, "tried the new version: it works"):
            said = trial.shown(instance(self._layout, function, 1), function, self._asked(function), log)
            if said:
                raise Refusal(f"The new version of {function} does not work: {said}")

    def start(self, function: str) -> None:
        self._started.append(function)
        programs = self._programs(function)
        for number, program in enumerate(programs, start=1):
            with self._steps.step(function, f"started instance {number} of {len(programs)}"):
                if program.name not in self._supervisor.processes():
                    ports.require(*program.address, f"end it, {program.name} belongs there")
                self._start(program)

    def replace(self, function: str) -> None:
        self._touched.append(function)
        self._roll(function, everything=self._everything)

    def lead(self) -> None:
        led = nginx.led(self._layout, self._supervisor.processes(), certified=self._certified)
        self._led, self._certified = self._led or led, False

    def keep(self) -> None:
        for name in self._names:
            self._releases.prune(name)

    def end(self, function: str) -> None:
        names = self._instances(function)
        with self._steps.step(function, f"ended {', '.join(names)}"):
            self._drop(names)

    def settle(self) -> bool:
        self.lead()
        self._roster.write(self._counts)
        changed = self._supervisor.update()
        self._roster.release(self._supervisor.processes())
        mended = self._supervisor.revive() or changed or self._led
        self._until_ready()
        return mended

    def turn_back(self) -> None:
        nginx.put_back(self._layout, self._door, self._supervisor.processes())
        for name, pointers in self._before.items():
            self._releases.point(name, pointers)
        self._drop([each for name in self._started for each in self._instances(name)])
        together([partial(self._turn, name) for name in reversed(self._touched)])

    def _turn(self, function: str) -> None:
        with self._steps.step(function, "turned back"):
            self._roll(function, everything=False, told=False)

    def _plan(self, *, everything: bool, changed: Collection[str]) -> Plan:
        running = functions(self._supervisor.processes())
        pending = self._supervisor.pending()
        stale = {
            name
            for name in self._names
            if everything or any(each.name in pending or self._roster.stale(each) for each in self._programs(name))
        }
        resting = {name for name in self._names if not self._counts[name] and self._before[name].current}
        return plan(self._names, running, stale | {*changed}, resting)

    def _roll(self, function: str, *, everything: bool, told: bool = True) -> None:
        """A spare one stands in for each that is started anew."""
        programs = self._programs(function)
        pending = self._supervisor.pending()
        turn = [each for each in programs if everything or each.name in pending or self._roster.stale(each)]
        spare = self._spare(function, len(programs))
        steps = [(each, "started a spare instance") for each in spare]
        steps += [(each, f"replaced instance {number} of {len(turn)}") for number, each in enumerate(turn, start=1)]
        for program, what in steps if turn else ():
            with self._steps.step(function, what if told else f"{what} by the old version"):
                self._start(program)
                self._until_known(function, [*programs, *spare])
        self._drop([each.name for each in spare])  # also one that a failed attempt has left

    def _start(self, program: Program) -> None:
        """Drains the one that has this slot, if one has, and returns when the new one is ready and reached."""
        known = program.name in self._supervisor.processes()
        self._roster.add(program)
        if not self._supervisor.update([program.name]) and known:
            self._supervisor.restart(program.name)
        readiness.until_ready([program], self._supervisor.processes, self._layout.log)
        if program.name in self._layout.slots(GATEWAY):
            readiness.until_seen(self._roster.programs()[-1], [program.name])

    def _until_known(self, function: str, programs: Collection[Program]) -> None:
        """By gateways that lead to it, those that are ready: what is new may mend what was not."""
        gateways = self._programs(GATEWAY) if function != GATEWAY else []
        pages = {each.name: partial(readiness.metrics, each) for each in gateways if readiness.ready(each)}
        until_known(pages, {function: sum(map(readiness.ready, programs))})

    def _drop(self, names: Collection[str]) -> None:
        for name in names:
            self._roster.remove(name)
        self._supervisor.update(names)

    def _instances(self, function: str) -> list[str]:
        return sorted(name for name in self._supervisor.processes() if functions([name]) == {function})

    def _spare(self, function: str, running: int) -> list[Program]:
        """In the slot above the last; none where all are taken, or where nothing runs."""
        if not 0 < running < MOST_INSTANCES:
            return []
        spare = instance(self._layout, function, running + 1)
        if spare.name not in self._supervisor.processes():
            ports.require(*spare.address, f"end it, {spare.name} belongs there")
        return [spare]

    def _programs(self, function: str) -> list[Program]:
        count = self._counts[function]
        return [instance(self._layout, function, number) for number in range(1, count + 1)]

    def _asked(self, function: str) -> list[str]:
        """Whose smoke calls it must answer: its own, or a gateway those of all that run."""
        if function != GATEWAY:
            return [function]
        running = functions(self._supervisor.processes())
        return [name for name in self._names if name != GATEWAY and name in running]
