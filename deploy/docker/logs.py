"""What containers wrote: the lines of Compose, with the time that Docker keeps beside each.

In: a project's Compose and a name. Out: lines; those that were written, None, and then new ones.
"""

import re
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from deploy.docker.compose import Compose
from deploy.engine import Line, Refusal

_LINE = re.compile(r"(\S+?)\s+\| (?:(\S{19,35}) )?(.*)", re.DOTALL)
_END = "1000"  # lines of each container, where not all that is kept is wanted


def told(
    compose: Compose, running: Collection[str], name: str, *, since: float | None, follow: bool
) -> Iterator[Line | None]:
    """See deploy.engine.Engine.logs; `running` are the names of instances."""
    if name and name not in {*running, *(each.rpartition("-")[0] for each in running)}:
        raise Refusal(f"{name} does not run: there are {', '.join(running)}.")
    return _told(compose, name, since=since, follow=follow)


def _told(compose: Compose, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
    now = _moment(time.time())
    kept = ("--tail", _END) if since is None else ("--since", _moment(since)) if since else ()
    yield from _lines(compose, name, "--until", now, *kept)
    yield None
    if follow:
        yield from _lines(compose, name, "--follow", "--since", now)


def _lines(compose: Compose, name: str, *options: str) -> Iterator[Line]:
    service = name.rpartition("-")[0] if re.search(r"-\d+$", name) else name
    told = compose.lines("logs", "--no-color", "--timestamps", *options, *([service] if service else []))
    for line in filter(None, map(parsed, told)):
        if name in ("", service, line.instance):
            yield line


def parsed(text: str) -> Line | None:
    """Of `users-1  | 2026-11-22T18:05:09.123456789Z text`; None for what is no line of a container."""
    found = _LINE.fullmatch(text)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(found[2] or "").timestamp()
    except ValueError:
        return Line(found[1], text.partition("| ")[2])
    return Line(found[1], found[3], moment)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
