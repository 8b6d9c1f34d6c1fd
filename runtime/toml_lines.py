"""Positions: a TOML text -> the line of each key and each member of a list, by its path.

For a text that tomllib has read, which tells no lines: nothing is checked here. It is asked once something is wrong.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_NAME = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*")
_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
# Of three quotes up to five may end a text: two of them are its own.
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")|\'\'\'.*?\'{3,5}(?!\')|"(?:\\.|[^"\\])*"|\'[^\']*\'',
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")  # a number, a date, true or false


def lines(text: str) -> dict[Path, int]:
    """The line of everything that has a path, from 1; of a table that is said more than once the first."""
    return _Scan(text).found


def nearest(found: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, or of the nearest table around it that is there."""
    return next((found[path[:length]] for length in range(len(path), 0, -1) if path[:length] in found), 1)


class _Scan:
    """One walk along a text, statement by statement."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._members: dict[Path, int] = {}  # how many tables an array of tables has so far
        self.found: dict[Path, int] = {}
        table: Path = ()
        at = self._between(0)
        while at < len(text):
            if text[at] == "[":
                table, at = self._header(at)
            else:
                at = self._pair(at, table)
            at = self._between(at)

    def _header(self, at: int) -> tuple[Path, int]:
        """`[a.b]` or `[[a.b]]`: the table that follows, and where the line goes on."""
        brackets = 2 if self._text.startswith("[[", at) else 1
        names, end = self._key(self._blank(at + brackets))
        path: Path = ()
        for last, name in _marked(names):
            path = self._note((*path, name), at)
            if last and brackets == 2:
                self._members[path] = self._members.get(path, 0) + 1
            if path in self._members:
                path = self._note((*path, self._members[path] - 1), at)
        return path, self._blank(end) + brackets

    def _pair(self, at: int, table: Path) -> int:
        """`a.b = value`, in a table or between braces; where it ends."""
        names, end = self._key(at)
        path = table
        for name in names:
            path = self._note((*path, name), at)
        return self._value(self._blank(self._blank(end) + len("=")), path)

    def _value(self, at: int, path: Path) -> int:
        match self._text[at]:
            case '"' | "'":
                return self._end(_TEXT, at)
            case "[":
                return self._members_of(at, "]", path)
            case "{":
                return self._members_of(at, "}", path)
            case _:
                return self._end(_PLAIN, at)

    def _members_of(self, at: int, closing: str, path: Path) -> int:
        """What stands between brackets or braces, with commas between; where it ends."""
        at, index = self._between(at + 1), 0
        while self._text[at] != closing:
            at = self._value(at, self._note((*path, index), at)) if closing == "]" else self._pair(at, path)
            at, index = self._between(at), index + 1
            if self._text[at] == ",":
                at = self._between(at + 1)
        return at + 1

    def _key(self, at: int) -> tuple[list[str], int]:
        """The steps of a dotted key as they are meant, and where it ends."""
        end = self._end(_KEY, at)
        return [*_steps(tomllib.loads(f"{self._text[at:end]} = 0"))], end

    def _note(self, path: Path, at: int) -> Path:
        self.found.setdefault(path, self._text.count("\n", 0, at) + 1)
        return path

    def _blank(self, at: int) -> int:
        return self._end(_BLANK, at)

    def _between(self, at: int) -> int:
        return self._end(_BETWEEN, at)

    def _end(self, pattern: re.Pattern[str], at: int) -> int:
        found = pattern.match(self._text, at)
        assert found is not None, f"what tomllib has read is not understood from {self._text[at : at + 20]!r} on"
        return found.end()


def _steps(read: object) -> Iterator[str]:
    while isinstance(read, dict):
        ((name, read),) = read.items()
        yield name


def _marked(names: list[str]) -> Iterator[tuple[bool, str]]:
    """Each, and whether it is the last."""
    return ((index == len(names), name) for index, name in enumerate(names, start=1))
