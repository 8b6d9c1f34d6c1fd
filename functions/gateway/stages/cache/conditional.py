"""Conditional requests, both ways (RFC 9110, section 13; RFC 9111, section 4.3).

In: a request and a stored answer. Out: whether the client has it already, whether its Range holds, and with which
conditions the function is asked about what is stored.
"""

from collections.abc import Sequence

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.fields import first, members
from runtime.http.dates import seconds

_STRONG_AFTER = 1.0  # seconds: two changes within one second share a Last-Modified (RFC 9110, section 8.8.2.2)


def unmodified(asked: Asked, held: Stored, now: float) -> bool:
    """Whether the client has what is held: 304 (RFC 9111, section 4.3.2). If-None-Match counts before the date."""
    if held.status != 200:
        return False
    if asked.none_match is not None:
        return asked.none_match.strip() == b"*" or _listed(asked.none_match, held.etag)
    if asked.modified_since is None:
        return False
    since = seconds(asked.modified_since, now)
    return since is not None and (held.date if held.modified is None else held.modified) <= since


def in_range(asked: Asked, held: Stored, now: float) -> bool:
    """Whether Range is to be honoured: If-Range is missing, or names what is held by strong comparison (13.1.5)."""
    condition = asked.if_range
    if condition is None:
        return True
    if condition.endswith(b'"'):
        return condition == held.etag and not condition.startswith(b"W/")
    strong = held.modified is not None and held.modified + _STRONG_AFTER <= held.date
    return strong and seconds(condition, now) == held.modified


def conditions(held: Sequence[Stored]) -> list[Header]:
    """The conditions with which a function is asked about what is held: all tags, or one date (section 4.3.1)."""
    tags = dict.fromkeys(candidate.etag for candidate in held if candidate.etag is not None)
    asking = [(b"if-none-match", b", ".join(tags))] if tags else []
    date = first(held[0].headers, b"last-modified") if len(held) == 1 and held[0].modified is not None else None
    return asking if date is None else [*asking, (b"if-modified-since", date)]


def _listed(tags: bytes, etag: bytes | None) -> bool:
    """By weak comparison (RFC 9110, section 8.8.3.2)."""
    return etag is not None and _opaque(etag) in map(_opaque, members(tags))


def _opaque(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")
