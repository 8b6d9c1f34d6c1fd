"""`just explain GET /users/42`: which route that is, which stages it passes, and which instances could answer it.

In: the checkout's manifests, and an engine that is asked who is alive. It sends no request.
"""

from pathlib import Path

from deploy.engine import Engine, Instance, Refusal
from deploy.verbs import table
from functions.gateway.explain import explained
from functions.gateway.found import find
from runtime.manifest import read_all


def main(engine: Engine, root: Path, method: str, target: str) -> int:
    """Prints the explanation; 1 when such a request has no route."""
    manifests = read_all(root / "functions")
    found = find(manifests, method, target)
    if isinstance(found, str):
        print(found)
        return 1
    print(explained(found, manifests))
    elsewhere = [each.upstream.url for each in manifests if each.name == found.route.function and each.upstream]
    print(f"\n{_instances(engine, found.route.function)}" if not elsewhere else f"\nInstances: of {elsewhere[0]}")
    return 0


def _instances(engine: Engine, function: str) -> str:
    try:
        alive = [each for each in engine.ps() if _is_of(function, each)]
    except Refusal as refusal:
        return f"Instances: {refusal}"
    return table(alive) if alive else f"Instances: none, as no instance of {function} should run."


def _is_of(function: str, instance: Instance) -> bool:
    return instance.name.rpartition("-")[0] == function
