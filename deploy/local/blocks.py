"""Blocks: which sixteen ports are a function's, from its first start until it is gone.

In: what is remembered, and which functions there are. Out: how far above PORT each one's first port is. A name that
comes or goes moves nobody else. What was given is in the stack's `ports.json`, which is written whole or not at all.
"""

import json
import re
import threading
from collections.abc import Collection, Iterable, Mapping
from itertools import count, pairwise
from pathlib import Path

from deploy.engine import GATEWAY, MOST_INSTANCES, Refusal

FIRST = 100  # above PORT: the gateway's block, whose every port nginx has in its configuration
_HIGHEST = 65_535
_PORT = re.compile(r"'PORT=(\d+)'")


def assign(remembered: Mapping[str, int], functions: Iterable[str], avoided: Collection[int] = ()) -> dict[str, int]:
    """What is remembered, and for each other function the lowest block that nobody has, without any of `avoided`."""
    found = {**remembered, GATEWAY: FIRST}
    for name in functions:
        if name not in found:
            found[name] = _lowest(found.values(), avoided)
    return found


def highest(offsets: Mapping[str, int]) -> int:
    """The highest PORT that leaves room for all of them."""
    return _HIGHEST - (span(offsets) - 1)


def span(offsets: Mapping[str, int]) -> int:
    """How many ports it is from PORT to the last one of them, with both."""
    return max(offsets.values(), default=FIRST) + MOST_INSTANCES


def read(state: Path) -> dict[str, int]:
    """What is remembered in a stack's folder; nothing before its first start. Raises Refusal when it can't be read."""
    file = _file(state)
    try:
        return _table(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        way_out = "with the stack down (`just down`) delete it, and the next `just up` gives ports anew"
        raise Refusal(f"{file} does not hold what functions' ports are: {way_out}.") from None


def keep(state: Path, before: Mapping[str, int], offsets: Mapping[str, int]) -> None:
    """Remembers `offsets` beside those that are, which are `before` where nothing was written yet.

    Raises Refusal when another command has given their ports to others.
    """
    now = {**(read(state) or before), **offsets}
    if _shared(now):
        raise Refusal("Another command has changed this stack meanwhile: give this one again.")
    if now != read(state):
        _write(state, now)


def release(state: Path, kept: Collection[str]) -> None:
    """Forgets all but `kept`."""
    had = read(state)
    if had.keys() - set(kept):
        _write(state, {name: offset for name, offset in had.items() if name in kept})


def running(programs: Path, port: int) -> dict[str, int]:
    """As the program files of a stack say that began before this was remembered, when each function took 100 ports."""
    found: dict[str, int] = {}
    for file in sorted(programs.glob("*-*.conf")):
        function, _, number = file.stem.rpartition("-")
        if number.isdigit() and (said := _PORT.search(file.read_text(encoding="utf-8"))):
            found[function] = int(said[1]) - (int(number) - 1) - port
    return found


def _lowest(taken: Iterable[int], avoided: Collection[int]) -> int:
    """Blocks that were given by another rule may begin anywhere."""
    had = list(taken)
    return next(
        offset
        for offset in count(FIRST, MOST_INSTANCES)
        if all(abs(offset - other) >= MOST_INSTANCES for other in had)
        and not any(offset <= port < offset + MOST_INSTANCES for port in avoided)
    )


def _shared(offsets: Mapping[str, int]) -> bool:
    """Whether two have a port in common."""
    ordered = sorted({**offsets, GATEWAY: FIRST}.values())
    return any(after - before < MOST_INSTANCES for before, after in pairwise(ordered))


def _table(found: Mapping[str, object]) -> dict[str, int]:
    """Raises ValueError for what no stack has written."""
    table = {name: offset for name, offset in found.items() if type(offset) is int and offset >= FIRST}
    if len(table) != len(found) or _shared(table):
        raise ValueError(found)
    return table


def _write(state: Path, offsets: Mapping[str, int]) -> None:
    fresh = state / f"ports.{threading.get_ident()}"  # functions may be started side by side
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(dict(sorted(offsets.items()))), encoding="utf-8")
    fresh.replace(_file(state))


def _file(state: Path) -> Path:
    return state / "ports.json"
