"""What should run, written down: how many of each function, and a file for each program that supervisord reads.

It starts and stops nothing. A program whose file differs from what it should be now is stale.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from deploy.local import blocks, packages
from deploy.local.layout import Layout
from deploy.local.programs import Binaries, Program, programs
from deploy.local.supervisor import config


class Roster:
    """That of one stack."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def instances(self) -> dict[str, int]:
        """How many of each function: as last scaled, one of those that never were."""
        file = self._layout.state / "instances.json"
        scaled = json.loads(file.read_text()) if file.exists() else {}
        return {function: int(scaled.get(function, 1)) for function in self._layout.functions}

    def programs(self, instances: Mapping[str, int] | None = None) -> list[Program]:
        """From the inside out; of what is written down unless other numbers are given."""
        return programs(self._layout, self.instances() if instances is None else instances, self.binaries())

    def binaries(self) -> Binaries:
        return Binaries(nginx=packages.require("nginx"), redis=packages.require("redis-server"))

    def write(self, instances: Mapping[str, int]) -> None:
        """Makes these what should run, and nothing else."""
        layout = self._layout
        layout.programs.mkdir(exist_ok=True)
        self._remember()
        wanted = self.programs(instances)
        for file in set(layout.programs.glob("*.conf")) - {self._file(program.name) for program in wanted}:
            file.unlink()
        for program in wanted:
            self.add(program)
        self._count(instances)

    def resize(self, function: str, instances: Mapping[str, int]) -> None:
        """Makes so many of `function` what should run, and touches nothing of others."""
        wanted = [each for each in self.programs(instances) if each.name in self._layout.slots(function)]
        for name in self._layout.slots(function).keys() - {each.name for each in wanted}:
            self.remove(name)
        for program in wanted:
            self.add(program)
        self._count(instances)

    def _count(self, instances: Mapping[str, int]) -> None:
        layout = self._layout
        fresh = layout.state / "instances.new"
        fresh.write_text(json.dumps(dict(instances)))
        fresh.replace(layout.state / "instances.json")  # whole or not at all, also on a full disk

    def add(self, program: Program) -> None:
        """Writes one program down as it should be."""
        self._remember()
        self._file(program.name).write_text(self._text(program))

    def remove(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def written(self, name: str) -> bool:
        """Whether a program is written down."""
        return self._file(name).exists()

    def release(self, running: Iterable[str]) -> None:
        """Gives back the ports of functions that are no longer there, and none of whose instances is in `running`."""
        functions = {name.rpartition("-")[0] for name in running}
        blocks.release(self._layout.state, {*self._layout.functions, *functions})

    def stale(self, program: Program) -> bool:
        """Whether it is written down differently, or not at all."""
        file = self._file(program.name)
        return not file.exists() or file.read_text() != self._text(program)

    def _remember(self) -> None:
        """Before anything listens there: whatever happens, nobody else is given these ports."""
        layout = self._layout
        given = {name: layout.offsets[name] for name in layout.functions}
        blocks.keep(layout.state, layout.remembered, given)

    def _file(self, name: str) -> Path:
        return self._layout.programs / f"{name}.conf"

    def _text(self, program: Program) -> str:
        return config.program(program)
