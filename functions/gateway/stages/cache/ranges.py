"""Byte ranges out of what is stored (RFC 9110, section 14).

In: a Range field and a stored answer. Out: first and last byte; None where the field is to be ignored. Several ranges
at once, and other units, are ignored, as section 14.2 allows: the client then gets the whole.
"""

import re

from functions.gateway.stages.cache.entry import Stored

Span = tuple[int, int]  # first and last byte, both included

UNSATISFIABLE: Span = (1, 0)
_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*", re.IGNORECASE)


def span(wanted: bytes, length: int) -> Span | None:
    """Which bytes of `length` are wanted; UNSATISFIABLE when there are none of them, None when Range says nothing."""
    match = _RANGE.fullmatch(wanted)
    if match is None or match.groups() == (b"", b""):
        return None
    start, end = match.groups()
    if not start:
        return _existing(max(0, length - int(end)), length - 1)
    if end and int(end) < int(start):
        return None
    return _existing(int(start), min(int(end), length - 1) if end else length - 1)


def holds(held: Stored, wanted: bytes) -> bool:
    """Whether a stored part has all that is wanted of the whole."""
    assert held.part is not None
    start, end, length = held.part
    asked = span(wanted, length)
    return asked is not None and asked != UNSATISFIABLE and start <= asked[0] and asked[1] <= end


def _existing(start: int, end: int) -> Span:
    return (start, end) if start <= end else UNSATISFIABLE
