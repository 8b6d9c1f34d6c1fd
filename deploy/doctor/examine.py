"""`just doctor`: looks at all that a stack needs, and says of what is not so what to do about it.

In: the checkout and the environment. Out: a table, and 1 where something is wrong. Before anything is installed it
looks at what can be looked at without.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from deploy import choice
from deploy.doctor import docker, machine, stack
from deploy.doctor.finding import Finding, code, table
from deploy.engine import Engine, Refusal

Make = Callable[[str], Engine]


def main(root: Path, state: Path, environment: Mapping[str, str], make: Make) -> int:
    """`make`: the engine of that name; raises Refusal, or ImportError before packages are installed."""
    found = [*_all(root, state, environment, make)]
    print(table(found))
    return code(found)


def _all(root: Path, state: Path, environment: Mapping[str, str], make: Make) -> Iterator[Finding]:
    try:
        chosen = choice.choose(root, environment, choice.docker_answers)
    except Refusal as refusal:
        yield Finding("engine", "wrong", str(refusal))
        chosen = choice.Choice("", "")
    else:
        yield Finding("engine", "ok", f"{chosen.engine} ({chosen.why})")
    yield from machine.machine(root, state, environment, chosen.engine)
    yield from docker.docker(chosen.engine)
    yield from _stack(root, chosen.engine, make) if chosen.engine else ()


def _stack(root: Path, name: str, make: Make) -> Iterator[Finding]:
    try:
        yield from stack.stack(make(name), root / "functions")
    except ImportError:
        yield Finding("stack", "ok", "nothing can run yet")
    except (Refusal, OSError) as refusal:
        yield Finding("stack", "wrong", str(refusal))
