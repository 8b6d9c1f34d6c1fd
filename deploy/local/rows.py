"""What runs, as rows of `just ps`: from the front door inwards."""

from collections.abc import Iterable, Mapping

from deploy.engine import Instance
from deploy.front import bracketed
from deploy.local import readiness
from deploy.local.programs import Program
from deploy.local.supervisor.client import Process


def rows(programs: Iterable[Program], processes: Mapping[str, Process], revisions: Mapping[str, str]) -> list[Instance]:
    """`revisions`: of the manifests that each gateway serves."""
    found = sorted(programs, key=lambda program: -program.tier)
    return [_row(program, processes[program.name], revisions.get(program.name, "")) for program in found]


def _row(program: Program, process: Process, revision: str) -> Instance:
    host, port = program.address
    state = "ready" if process.pid and readiness.ready(program) else process.state
    return Instance(program.name, f"{bracketed(host)}:{port}", state, process.pid, process.uptime, revision)
