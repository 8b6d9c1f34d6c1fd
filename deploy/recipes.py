"""The verbs as the Justfile has them: what each is for, in which group, and what it may be given.

In: what `just --dump` says, and the parsers of the verbs that are carried out here. Out: what `just help` shows, and
the words that a shell completes.
"""

import json
import os
import subprocess
from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.engine import Refusal

FUNCTIONS = {"function", "name", "text"}  # arguments that may be the name of a function


class Recipe(NamedTuple):
    """One verb; `about` is the sentence above it in the Justfile."""

    name: str
    group: str
    about: str


def recipes(root: Path) -> list[Recipe]:
    """In the order of the Justfile. Raises Refusal where there is no `just` to ask."""
    just = os.environ.get("JUST", "just")
    command = [just, "--justfile", str(root / "Justfile"), "--dump", "--dump-format", "json"]
    try:
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["recipes"]
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise Refusal(
            "There is no `just` on PATH to ask what the Justfile has: see README.md for how to get it."
        ) from None
    found = [_recipe(name, said) for name, said in told.items() if not said["private"]]
    order = [line.partition(":")[0].split(" ")[0] for line in (root / "Justfile").read_text().splitlines()]
    return sorted(found, key=lambda each: order.index(each.name))


def _recipe(name: str, said: Mapping[str, object]) -> Recipe:
    attributes = said["attributes"]
    assert isinstance(attributes, list)
    group = next((each["group"] for each in attributes if isinstance(each, dict) and "group" in each), "")
    return Recipe(name, str(group), str(said["doc"] or ""))


def overview(found: list[Recipe]) -> Iterator[str]:
    """Every verb below the name of its group."""
    width = max(len(each.name) for each in found)
    for group in dict.fromkeys(each.group for each in found):
        yield f"{group}:"
        yield from (f"  {each.name:<{width}}  {each.about}" for each in found if each.group == group)
        yield ""
    yield "`just help VERB` tells what one may be given."


def usage(recipe: Recipe, parser: ArgumentParser | None) -> str:
    """What it is for, and each argument of it."""
    if parser is None:
        return f"{recipe.about}\n\nusage: just {recipe.name}"
    parser.description = recipe.about
    return parser.format_help().rstrip()


def options(parser: ArgumentParser) -> list[tuple[str, str]]:
    """What a shell completes of it: each long option with what it does."""
    return [(name, _help(each)) for each in _actions(parser) for name in each.option_strings if name[:2] == "--"]


def words(parser: ArgumentParser) -> list[str]:
    """The words that an argument of it is one of."""
    return [str(word) for each in _actions(parser) if not each.option_strings for word in each.choices or ()]


def named(parser: ArgumentParser) -> bool:
    """Whether it may be given the name of a function."""
    return any(each.dest in FUNCTIONS for each in _actions(parser) if not each.option_strings)


def _actions(parser: ArgumentParser) -> list[Action]:
    return parser._actions  # noqa: SLF001  argparse has no other way to ask


def _help(action: Action) -> str:
    return "" if action.help in (None, SUPPRESS) else str(action.help).replace("%(default)s", str(action.default))
