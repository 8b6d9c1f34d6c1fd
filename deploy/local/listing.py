"""The rows of `just ps`: what should run, and whatever else does.

In: programs as they are written down, processes as supervisord tells them, and the revision of the manifests that each
gateway serves; programs and processes may differ after a change that was cut short. Out: an instance for each, from
the front door inwards. Each program is asked whether it is ready.
"""

from collections.abc import Mapping

from deploy.engine import Instance
from deploy.front import bracketed
from deploy.local import readiness
from deploy.local.programs import Program
from deploy.local.roster import Roster
from deploy.local.supervisor.client import Process


def listed(roster: Roster, processes: Mapping[str, Process], revisions: Mapping[str, str]) -> list[Instance]:
    """Those that should run, but for what only the checkout knows so far; then those that an `up` will end."""
    programs = {program.name: program for program in roster.programs()}
    known = [program for name, program in programs.items() if name in processes or roster.written(name)]
    ordered = sorted(known, key=lambda each: -each.tier)
    rows = [_row(each, processes.get(each.name), revisions.get(each.name, "")) for each in ordered]
    return rows + [_left_over(each) for name, each in sorted(processes.items()) if name not in programs]


def _row(program: Program, process: Process | None, revision: str) -> Instance:
    host, port = program.address
    address = f"{bracketed(host)}:{port}"
    if process is None:
        return Instance(program.name, address, "stopped")
    state = "ready" if process.pid and readiness.ready(program) else process.state
    return Instance(program.name, address, state, process.pid, process.uptime, revision)


def _left_over(process: Process) -> Instance:
    return Instance(process.name, "-", "left-over", process.pid, process.uptime)
