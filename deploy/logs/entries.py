"""Lines of logs -> entries: when each was written and how grave it is, whoever wrote it.

Pure. Our own lines are JSON; nginx, Redis and PostgreSQL have forms of their own, and a traceback that no logger caught
has many lines. What says no time of its own belongs to what its instance wrote before.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from deploy.engine import Line

LEVELS = ("debug", "info", "warning", "error", "critical")
_TIME = re.compile(r'"time":"([0-9TZ:.+-]{19,40})"')
_LEVEL = re.compile(r'"level":"([a-z]+)"')
_REDIS = re.compile(r"[0-9]+:[A-Z] ([0-9]+ [A-Z][a-z]{2} [0-9]{4} [0-9:.]+) ([-.*#]) ")
_NGINX = re.compile(r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}) \[([a-z]+)\] ")
_POSTGRES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,}) [A-Z]+ \[[0-9]+\].*? ([A-Z]+):  ")
_TRACEBACK = "Traceback (most recent call last):"
_WORDS = {
    "-": "debug",
    ".": "debug",
    "*": "info",
    "#": "warning",
    "notice": "info",
    "warn": "warning",
    "crit": "critical",
    "alert": "critical",
    "emerg": "critical",
    "LOG": "info",
    "HINT": "info",
    "DETAIL": "info",
    "WARNING": "warning",
    "ERROR": "error",
    "FATAL": "critical",
    "PANIC": "critical",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with its time (Unix seconds; 0 where nothing says one) and its level, one of LEVELS."""

    line: Line
    time: float
    level: str


def entries(lines: Iterable[Line]) -> Iterator[Entry]:
    """One for each line, in their order."""
    before: dict[str, Entry] = {}
    for line in lines:
        entry = before[line.instance] = _entry(line, before.get(line.instance))
        yield entry


def _entry(line: Line, before: Entry | None) -> Entry:
    told, level = _told(line.text)
    time = line.time or told or (before.time if before else 0.0)
    if level:
        return Entry(line, time, level)
    if line.text.lstrip().startswith(_TRACEBACK):
        return Entry(line, time, "error")
    return Entry(line, time, before.level if before and _goes_on(line.text, before) else "info")


def _goes_on(text: str, before: Entry) -> bool:
    """Whether it is a further line of a traceback, the last one of which says what was raised."""
    said = before.line.text
    return text.startswith(" ") or said.startswith(" ") or said.lstrip().startswith(_TRACEBACK)


def _told(text: str) -> tuple[float, str]:
    """What a line says itself: when it was written, 0 if it doesn't; and its level, "" if it has none."""
    if text.startswith("{"):
        time, level = _TIME.search(text), _LEVEL.search(text)
        return _moment(time[1]) if time else 0.0, level[1] if level and level[1] in LEVELS else "info"
    for form, pattern in ((_REDIS, "%d %b %Y %H:%M:%S.%f"), (_NGINX, "%Y/%m/%d %H:%M:%S"), (_POSTGRES, "")):
        if found := form.match(text):
            word = found[2]
            return _moment(found[1], pattern), word if word in LEVELS else _WORDS.get(word, "info")
    return 0.0, ""


def _moment(text: str, pattern: str = "") -> float:
    """Of a time without a zone this machine's is meant."""
    with suppress(ValueError, OverflowError, OSError):
        told = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007  see above
        return told.timestamp()
    return 0.0
