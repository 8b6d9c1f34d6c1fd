"""Log files -> their lines: the last ones of each, then new ones as they are written, across rotation and scaling.

Reads only. It yields as long as there is somebody who writes; who follows decides how a line looks.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from deploy.engine import Line

_PAUSE = 0.2  # seconds between two looks at files that gave nothing
_SILENT = 10  # such looks, until it is asked whether anybody writes at all


class Follower:
    """Lines of every file that `files` finds now or later, in rounds; the first round gives the last `tail` of each."""

    def __init__(self, files: Callable[[], list[Path]], tail: int = 20) -> None:
        self._files = files
        self._tail: int | None = tail
        self._open: dict[Path, IO[str]] = {}
        self._part: dict[Path, str] = {}

    def follow(self, goes_on: Callable[[], bool]) -> Iterator[Line]:
        """Until nothing was written for a while, and `goes_on` says that nothing will be."""
        silent = 0
        try:
            while silent % _SILENT or not silent or goes_on():
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

    def round(self) -> Iterator[Line]:
        """What was written since the round before."""
        for path in self._files():
            for text in deque(self._read(path), maxlen=self._tail):
                yield Line(path.stem, text)
        self._tail = None

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


def _opened(path: Path) -> IO[str]:
    """Bytes that are no UTF-8 come as surrogates, and a line ends where the program ended it."""
    return path.open(encoding="utf-8", errors="surrogateescape", newline="\n")


def chosen(logs: Path, functions: tuple[str, ...], name: str) -> list[Path]:
    """The files of a function ("users"), of an instance ("users-1", "nginx"), or of all of them ("")."""
    if name in functions:
        return sorted(logs.glob(f"{name}-[0-9]*.log"))
    return sorted(file for file in logs.glob("*.log") if not name or file.stem == name)
