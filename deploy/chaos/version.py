"""Another version of the same code, to deploy: a copy of the checkout in which every function has a comment more.

It also puts a service whose answers are odd behind the gateway. And a deploy that stumbles over it when the first of
the functions is replaced: what was replaced must come back.
"""

import secrets
import shutil
from pathlib import Path
from typing import Any, cast

from deploy import rollout
from deploy.engine import Refusal
from deploy.rollout import Fleet
from deploy.scaffold import create
from runtime.http.url import Url

_LEFT = shutil.ignore_patterns(".*", "__pycache__", "tests", "benchmarks", "docs")


_ODD = """
name = "odd"
[upstream]
url = "{url}"
[defaults]
auth = "public"
body = "64KiB"
[[route]]
match = "GET /odd/{{case...}}"
"""


def same(root: Path, folder: Path) -> Path:
    """What runs, in `folder`, which is there and empty."""
    made = shutil.copytree(root, folder, ignore=_LEFT, dirs_exist_ok=True)
    if (ignored := root / ".dockerignore").exists():
        shutil.copyfile(ignored, made / ignored.name)
    return made


def copy(root: Path, folder: Path, odd: Url | None = None) -> Path:
    """In `folder`, which is there and empty; `odd` is where the service is, if there is one."""
    made = same(root, folder)
    for app in made.glob("functions/*/app.py"):
        with app.open("a", encoding="utf-8") as file:
            file.write(f"\n# {secrets.token_hex(8)}\n")
    if odd is not None:
        create.upstream(made, "odd", odd)
        (made / "functions/odd/function.toml").write_text(_ODD.format(url=odd), encoding="utf-8")
    return made


def stumble(fleet: Fleet) -> None:
    """Returns when the deploy has failed and was turned back. Raises Refusal if it failed for another reason."""
    stumbling = Stumbling(fleet)
    try:
        rollout.deploy(cast("Fleet", stumbling))
    except Refusal as refusal:
        if not stumbling.stumbled:
            raise Refusal(f"The deploy failed before its time: {refusal}") from refusal


class Stumbling:
    """A Fleet that carries everything out, and is in trouble once a first function is replaced."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.stumbled = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a fleet has
        return getattr(self._fleet, name)

    def replace(self, function: str) -> None:
        self._fleet.replace(function)
        self.stumbled = True
        raise Refusal(f"{function} was replaced, and that is in trouble now.")
