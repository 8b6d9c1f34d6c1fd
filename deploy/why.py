"""Why an instance does not work, from what it wrote: the exception with its file and line, the package that is missing.

Pure. In: the text of a log, as JSON or as Python writes it, and where the instance ran. Out: lines for a person.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_BEGINS = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)')
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Invalid|Refused|Unmigrated)?(?::|$)")
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_LAST = 8  # lines of a log that are shown
_LONGEST = 300  # characters of one


class Raised(NamedTuple):
    """`where` is the file and line of the last frame that is the function's own, or the runtime's."""

    what: str
    where: str


def why(log: str, function: str, where: str = "") -> list[str]:
    """What is known, the telling part first; `where` is the whole log's place."""
    lines = [*_lines(log)]
    raised = _raised(lines)
    told = [f"{raised.what}{f' ({raised.where})' if raised.where else ''}"] if raised else []
    told += [
        _package(found[1], function) for line in (raised.what if raised else "",) if (found := _MISSING.search(line))
    ]
    words = [line for line in lines if line.strip()][-_LAST:]
    told += ["It said last:", *(f"  {line[:_LONGEST]}" for line in words)] if words else []
    return [*told, f"The whole log: {where}"] if where else told


def _package(module: str, function: str) -> str:
    package = module.partition(".")[0]
    if package in ("functions", "runtime"):
        return f"There is no module {module} in what was deployed: write it, or correct the import."
    return (
        f"The package of {package} is missing: add it to a dependency group `{function}` in pyproject.toml, and that "
        f"group to `local`, then `just lock`. In containers its compose.yml must say `REQUIREMENTS: {function}`, too."
    )


def _lines(log: str) -> Iterator[str]:
    """What was said, without its clothes."""
    for line in log.splitlines():
        entry = _entry(line)
        if entry is None:
            yield line.rstrip()
            continue
        yield ": ".join(str(entry[key]) for key in ("event", "why", "error") if entry.get(key))
        yield from str(entry.get("exception", "")).splitlines()


def _entry(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _raised(lines: list[str]) -> Raised | None:
    """The last exception of the log."""
    begins = [number for number, line in enumerate(lines) if line.strip() == _BEGINS]
    if not begins:
        return None
    frames, what = [], ""
    for line in lines[begins[-1] + 1 :]:
        if frame := _FRAME.match(line):
            frames.append((frame[1], frame[2]))
        elif frames and not line.startswith(" ") and _RAISED.match(line):
            what = line
            break
    return Raised(what, _place(frames)) if what else None


def _place(frames: list[tuple[str, str]]) -> str:
    """The function's own before the runtime's; nothing of a library's."""
    for part in ("/functions/", "/runtime/"):
        for file, line in reversed(frames):
            if part in f"/{file}" and "/site-packages/" not in file:
                return f"{part[1:]}{f'/{file}'.rpartition(part)[2]}, line {line}"
    return ""
