"""A line of a log as it is shown: for another program as it was written, for a person in columns and colours.

Pure. What does not print is written out in both, as JSON writes it: strangers choose a part of what is logged, and who
reads a line with another program may still have it on a terminal. A traceback, which a JSON line holds in one member,
is shown below it as Python shows it.
"""

import json
import re
from typing import Any
from zlib import crc32

from deploy.engine import Line
from runtime.visible import visible

_RESET, _BOLD, _DIM, _RED, _YELLOW = (f"\x1b[{code}m" for code in (0, 1, 2, 31, 33))
_INSTANCES = tuple(f"\x1b[{code}m" for code in (32, 34, 35, 36, 92, 94, 95, 96))  # none that means trouble
_LEVELS = {"warning": _YELLOW, "error": _RED, "critical": _RED}
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?")
_TRACEBACKS = ("exception", "stack")


def plain(line: Line) -> str:
    """For another program: as it was written, behind the instance's name; JSON still means the same."""
    return f"{line.instance} {visible(line.text)}"


def pretty(line: Line) -> str:
    """For a person: time, instance, level and event of a JSON line, then its other members; any other line as it is."""
    name = f"{_INSTANCES[crc32(line.instance.encode()) % len(_INSTANCES)]}{line.instance:<10}{_RESET}"
    try:
        entry = json.loads(line.text)
    except ValueError:
        entry = None
    return f"{'':<12} {name} {visible(line.text)}" if not isinstance(entry, dict) else _told(entry, name)


def _told(entry: dict[str, Any], name: str) -> str:
    level, event = visible(entry.pop("level", "")), visible(entry.pop("event", ""))
    time = (_CLOCK.search(str(entry.pop("time", ""))) or [""])[0]
    entry.pop("instance", None)
    below = [visible(entry.pop(member), lines=True) for member in _TRACEBACKS if member in entry]
    members = " ".join(f"{visible(key)}={visible(value)}" for key, value in entry.items() if value != "")
    colour = _LEVELS.get(level, "")
    head = f"{_DIM}{time:<12}{_RESET} {name} {colour}{level:<7} {_BOLD}{event}{_RESET}"
    shown = [f"{head}  {_DIM}{members}{_RESET}" if members else head]
    return "\n".join([*shown, *(f"{_RED}{text}{_RESET}" for text in below)])
