"""Log files -> their lines: what is kept of each, then new ones as they are written, across rotation and scaling.

Reads only. It yields as long as there is somebody who writes; who follows decides how a line looks.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from deploy.engine import NOTHING, Line, Refusal
from deploy.local.layout import Layout

_PAUSE = 0.2  # seconds between two looks at files that gave nothing
_SILENT = 10  # such looks, until it is asked whether anybody writes at all
_ENOUGH = 1 << 20  # bytes of an instance's end, where not all that is kept is wanted

Running = Callable[[str], Sequence[str]]  # the instances that a name stands for, and that run


def told(layout: Layout, running: Running, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
    """See deploy.engine.Engine.logs. What was written is told also of who has ended."""
    files = partial(chosen, layout.logs, layout.functions, name)
    if not (running(name) if follow else files()):
        raise Refusal(_nothing(layout, running(""), name))
    return Follower(files, everything=since is not None).follow(lambda: follow and bool(running(name)), follow=follow)


def _nothing(layout: Layout, running: Sequence[str], name: str) -> str:
    if not running:
        return NOTHING
    wrote = f" What it wrote is shown by `just logs {name} -n 100`." if layout.log(name).exists() else ""
    return f"{name} does not run: there are {', '.join(running)}.{wrote}"


class Follower:
    """Lines of every file that `files` finds now or later: the end of what is kept of each, or `everything`."""

    def __init__(self, files: Callable[[], list[Path]], *, everything: bool = False) -> None:
        self._files = files
        self._everything = everything
        self._open: dict[Path, IO[str]] = {}
        self._part: dict[Path, str] = {}

    def follow(self, goes_on: Callable[[], bool], *, follow: bool = True) -> Iterator[Line | None]:
        """What is kept, None, and then until nothing was written for a while and `goes_on` says that nothing will."""
        silent = 0
        try:
            yield from self.kept()
            yield None
            while follow and (silent % _SILENT or not silent or goes_on()):
                lines = list(self.round())
                yield from lines
                silent = 0 if lines else silent + 1
                if silent:
                    time.sleep(_PAUSE)
        finally:
            self.close()

    def close(self) -> None:
        """Lets go of the files."""
        for file in self._open.values():
            file.close()

    def kept(self) -> Iterator[Line]:
        """What was written before, the oldest first of each."""
        for path in self._files():
            now = self._read(path)
            for text in (*self._older(path), *now):
                yield Line(path.stem, text)

    def round(self) -> Iterator[Line]:
        """What was written since the round before."""
        for path in self._files():
            for text in self._read(path):
                yield Line(path.stem, text)

    def _older(self, path: Path) -> list[str]:
        """Of files that were rotated away, as far as is wanted; the one that is open was read already."""
        lines: list[str] = []
        size = path.stat().st_size if path.exists() else 0
        for old in sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda file: int(file.suffix[1:])):
            if not self._everything and size >= _ENOUGH:
                break
            with suppress(FileNotFoundError), _opened(old) as file:
                if path not in self._open or not os.path.samestat(*_stats(file, self._open[path])):
                    lines = [*file.read().split("\n")[:-1], *lines]
                    size += os.fstat(file.fileno()).st_size
        return lines

    def _read(self, path: Path) -> list[str]:
        lines = self._rest(path)
        if self._rotated(path):
            self._open.pop(path).close()
            lines += self._rest(path)
        return lines

    def _rest(self, path: Path) -> list[str]:
        """The whole lines that are left; a part of one waits for its end."""
        try:
            file = self._open.get(path) or self._open.setdefault(path, _opened(path))
        except FileNotFoundError:
            return []  # between the two steps of a rotation
        *lines, self._part[path] = (self._part.get(path, "") + file.read()).split("\n")
        return lines

    def _rotated(self, path: Path) -> bool:
        """Another file has its name now: the open one was rotated away."""
        opened = self._open.get(path)
        return bool(opened and path.exists() and not os.path.samestat(path.stat(), os.fstat(opened.fileno())))


def _stats(one: IO[str], other: IO[str]) -> tuple[os.stat_result, os.stat_result]:
    return os.fstat(one.fileno()), os.fstat(other.fileno())


def _opened(path: Path) -> IO[str]:
    """Bytes that are no UTF-8 come as surrogates, and a line ends where the program ended it."""
    return path.open(encoding="utf-8", errors="surrogateescape", newline="\n")


def chosen(logs: Path, functions: tuple[str, ...], name: str) -> list[Path]:
    """The files of a function ("users"), of an instance ("users-1", "nginx"), or of all of them ("")."""
    if name in functions:
        return sorted(logs.glob(f"{name}-[0-9]*.log"))
    return sorted(file for file in logs.glob("*.log") if not name or file.stem == name)
