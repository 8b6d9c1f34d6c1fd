"""An entry of a log as it is shown: in columns for a person, with colours on a terminal, or as JSON for a program.

Pure. What does not print is written out in each, as JSON writes it: strangers choose a part of what is logged, and who
reads a line with another program may still have it on a terminal. A traceback, which a JSON line holds in one member,
is shown below it as Python shows it.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from deploy.logs.entries import Entry
from runtime.visible import visible

_RESET, _BOLD, _DIM, _RED, _YELLOW = (f"\x1b[{code}m" for code in (0, 1, 2, 31, 33))
_COLOURS = re.compile(r"\x1b\[[0-9]+m")
_INSTANCES = tuple(f"\x1b[{code}m" for code in (32, 34, 35, 36, 92, 94, 95, 96))  # none that means trouble
_LEVELS = {"warning": _YELLOW, "error": _RED, "critical": _RED}
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?")
_TRACEBACKS = ("exception", "stack")
_OF_A_REQUEST = ("request_id", "by", "problem", "seconds", "client", "user_agent")  # beside what is its event


def plain(entry: Entry) -> str:
    """As `pretty`, without colours: visible text has no control of its own."""
    return _COLOURS.sub("", pretty(entry))


def pretty(entry: Entry) -> str:
    """Time, instance, level and event of a JSON line, then its other members; others as they are, behind it."""
    line = entry.line
    name = f"{_INSTANCES[crc32(line.instance.encode()) % len(_INSTANCES)]}{line.instance:<10}{_RESET}"
    told = _members(line.text)
    if told is not None:
        return _told(told, name)
    clock = datetime.fromtimestamp(entry.time, UTC).strftime("%H:%M:%S.%f")[:12] if entry.time else ""
    return f"{_DIM}{clock:<12}{_RESET} {name} {visible(line.text)}"


def as_json(entry: Entry) -> str:
    """One object: what was written if that was one, else `text`; with `time`, `level` and `instance` in any case."""
    told = _members(entry.line.text)
    said = {"text": entry.line.text} if told is None else told
    time = datetime.fromtimestamp(entry.time, UTC).isoformat() if entry.time else None
    return json.dumps({"time": time, "level": entry.level, **said, "instance": entry.line.instance})


def _members(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _told(entry: dict[str, Any], name: str) -> str:
    entry = _of_a_request(entry) if entry.get("event") == "request" and "target" in entry else entry
    level, event = visible(entry.pop("level", "")), visible(entry.pop("event", ""))
    time = (_CLOCK.search(str(entry.pop("time", ""))) or [""])[0]
    entry.pop("instance", None)
    below = [visible(entry.pop(member), lines=True) for member in _TRACEBACKS if member in entry]
    members = " ".join(f"{visible(key)}={visible(value)}" for key, value in entry.items() if value != "")
    colour = _LEVELS.get(level, "")
    head = f"{_DIM}{time:<12}{_RESET} {name} {colour}{level:<7} {_BOLD}{event}{_RESET}"
    shown = [f"{head}  {_DIM}{members}{_RESET}" if members else head]
    return "\n".join([*shown, *(f"{_RED}{text}{_RESET}" for text in below)])


def _of_a_request(entry: dict[str, Any]) -> dict[str, Any]:
    """What a person asks of nginx's line; of the gateways that were tried those that took a connection, if any did."""
    said: dict[str, Any] = {name: entry[name] for name in ("time", "level") if name in entry}
    said["event"] = " ".join(str(entry.get(name, "")) for name in ("method", "target", "status"))
    said |= {name: entry[name] for name in _OF_A_REQUEST if name in entry and (name, entry[name]) != ("by", "gateway")}
    tried = [str(entry.get(f"upstream{what}", "")).split(", ") for what in ("", "_status", "_connect")]
    reached = [f"{who} {status}" for who, status, connect in zip(*tried, strict=False) if connect not in ("", "-")]
    return said | {"tried": ", ".join(reached) or "no gateway"} if len(reached) != 1 else said
