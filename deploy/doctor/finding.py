"""What a look at one thing has found: whether it is as a stack needs it, and what to do where it isn't.

Pure. In: findings. Out: a table for a person, and the exit code that a script goes by.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from runtime.visible import visible

State = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """`said` is a sentence; where the state is not ok it ends with the next step."""

    what: str
    state: State
    said: str


def table(found: Iterable[Finding]) -> str:
    """A row for each, and in the end how many are not as they should be."""
    found = [*found]
    width = max(len(each.what) for each in found)
    rows = [f"{each.state:<7}  {each.what:<{width}}  {visible(each.said)}" for each in found]
    return "\n".join([*rows, "", _sum(found)])


def code(found: Iterable[Finding]) -> int:
    """1 where something is wrong, else 0: a warning stops nothing."""
    return int(any(each.state == "wrong" for each in found))


def _sum(found: list[Finding]) -> str:
    counts = {state: sum(each.state == state for each in found) for state in ("wrong", "warning")}
    told = [f"{counts['wrong']} wrong"] * bool(counts["wrong"])
    told += [f"{counts['warning']} to think about"] * bool(counts["warning"])
    return f"{' and '.join(told)}: each says what to do." if told else "Everything is as it should be."
