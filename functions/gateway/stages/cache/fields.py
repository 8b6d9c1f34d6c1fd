"""Reading the fields of a head: every line of a name, the members of a list, a number of seconds.

In: fields with lower-case names, in order. Out: bytes and numbers. It knows no field by name.
"""

import re
from collections.abc import Iterable

from functions.gateway.exchange import Header

FOREVER = float(2**31)  # seconds; what delta-seconds that are too large stand for (RFC 9111, section 1.2.2)

_MARKS = re.compile(rb'[",\\]')


def line(headers: Iterable[Header], name: bytes) -> bytes | None:
    """All lines of `name` as one (RFC 9110, section 5.3); None when there is none."""
    values = [value for field, value in headers if field == name]
    return b", ".join(values) if values else None


def first(headers: Iterable[Header], name: bytes) -> bytes | None:
    """The first line of `name`, for a field that should have one only."""
    return next((value for field, value in headers if field == name), None)


def members(text: bytes) -> list[bytes]:
    """The members of a list (RFC 9110, section 5.6.1), without empty ones; a comma within quotes divides nothing.

    Where a quote is never closed every comma divides, so that nothing can hide behind it.
    """
    parts = text.split(b",") if b'"' not in text else _quoted(text)
    return [member for part in parts if (member := part.strip(b" \t"))]


def _quoted(text: bytes) -> list[bytes]:
    parts, start, skip, within = [], 0, -1, False
    for match in _MARKS.finditer(text):
        at, mark = match.start(), match[0]
        if at == skip:
            continue
        if mark == b"\\":
            skip = at + 1 if within else skip
        elif mark == b'"':
            within = not within
        elif not within:
            parts.append(text[start:at])
            start = at + 1
    return text.split(b",") if within else [*parts, text[start:]]


def delta(text: bytes) -> float | None:
    """delta-seconds (RFC 9111, section 1.2.2), or None for what is not a whole number."""
    if not text.isdigit():
        return None
    digits = text.lstrip(b"0")
    return FOREVER if len(digits) > 10 else min(float(digits or b"0"), FOREVER)
