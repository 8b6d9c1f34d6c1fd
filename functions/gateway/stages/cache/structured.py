"""Structured fields (RFC 9651), as far as a cache reads them: a dictionary, and a list of strings.

In: a field's lines, joined. Out: bare values, parameters left out; None when the field does not parse, which means that
it is to be ignored as a whole (section 4.2).
"""

import re

Bare = bool | int | float | str | bytes

_KEY = re.compile(rb"[a-z*][a-z0-9_.*-]*")
_DECIMAL = re.compile(rb"-?\d{1,12}\.\d{1,3}(?![\d.])")
_INTEGER = re.compile(rb"-?\d{1,15}(?![\d.])")
_STRING = re.compile(rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_TOKEN = re.compile(rb"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BINARY = re.compile(rb":[A-Za-z0-9+/=]*:")
_BOOLEAN = re.compile(rb"\?([01])")
_SEPARATOR = re.compile(rb"[ \t]*,[ \t]*(?!\Z)")
_SPACES = re.compile(rb" *")
_ESCAPED = re.compile(r'\\(["\\])')


class _Broken(ValueError):
    """The field is no structured field of the type that was asked for."""


def dictionary(field: bytes) -> dict[bytes, Bare] | None:
    """The members of a dictionary (section 4.2.2), the last one of each key; tokens as bytes, strings as str."""
    members: dict[bytes, Bare] = {}
    reader = _Reader(field)
    try:
        while reader.more():
            key = reader.key()
            members[key] = reader.item() if reader.skip(b"=") else True
            reader.parameters()
    except _Broken:
        return None
    return members


def strings(field: bytes) -> list[str] | None:
    """The members of a list (section 4.2.1) that all are strings."""
    members: list[str] = []
    reader = _Reader(field)
    try:
        while reader.more():
            member = reader.item()
            if not isinstance(member, str):
                return None
            reader.parameters()
            members.append(member)
    except _Broken:
        return None
    return members


class _Reader:
    """A field and how far it has been read."""

    def __init__(self, field: bytes) -> None:
        self._text = field.strip(b" ")
        self._at = 0
        self._begun = False

    def more(self) -> bool:
        """Goes to the next member, if there is one."""
        if self._at == len(self._text):
            return False
        if self._begun:
            self._take(_SEPARATOR)
        self._begun = True
        return True

    def key(self) -> bytes:
        return self._take(_KEY)[0]

    def skip(self, mark: bytes) -> bool:
        """Steps over `mark`, if it comes next."""
        found = self._text.startswith(mark, self._at)
        self._at += found * len(mark)
        return found

    def item(self) -> Bare:
        """A bare item (section 4.2.3.1). An inner list is not among what a cache is told, and is refused."""
        if match := self._try(_STRING):
            return _ESCAPED.sub(r"\1", match[1].decode("ascii"))
        if match := self._try(_DECIMAL):
            return float(match[0])
        if match := self._try(_INTEGER):
            return int(match[0])
        if match := self._try(_BOOLEAN):
            return match[1] == b"1"
        match = self._try(_TOKEN) or self._take(_BINARY)
        return match[0]

    def parameters(self) -> None:
        """Reads past parameters (section 4.2.3.2)."""
        while self.skip(b";"):
            self._take(_SPACES)
            self.key()
            if self.skip(b"="):
                self.item()

    def _try(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match

    def _take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        match = self._try(pattern)
        if match is None:
            raise _Broken
        return match
