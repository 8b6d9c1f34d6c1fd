"""A stored answer: what it takes to reuse it, worked out once, when it was stored.

In: an answer's head, who asked for it and when. Out: a Stored, which goes to memory and to Redis as it is. Moments are
epoch seconds, by the gateway's clock.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from functions.gateway.exchange import Header
from functions.gateway.stages.cache import structured
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.directives import Answering
from functions.gateway.stages.cache.fields import first, line
from functions.gateway.stages.cache.freshness import born, dated, explicit, guessed
from functions.gateway.stages.cache.selection import nominated, selecting
from functions.gateway.stages.forward.headers import HOP_BY_HOP
from runtime.http.dates import seconds

# Never stored (RFC 9111, section 3.1); Age and Cache-Status are said anew each time, framing is written by the server.
_NOT_STORED = HOP_BY_HOP | {
    b"age",
    b"cache-status",
    b"proxy-authenticate",
    b"proxy-authentication-info",
    b"proxy-authorization",
    b"trailer",
}

DISCONNECTED = 60.0  # seconds in which what may go stale is served stale while no instance answers (section 4.2.4)
VALIDATED = 3600.0  # seconds for which what has a validator is kept stale, to be asked about
_BODILESS = frozenset({204, 304})
_FRAME, _LINE, _WORD = 900, 150, 80  # bytes of a Stored without anything in it, of one more field, and of a name beside
_CONTENT_RANGE = re.compile(rb"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.IGNORECASE)


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """One answer to GET. `headers` are ready to send, less Age and Cache-Status."""

    status: int
    headers: list[Header]
    requested: float  # when it was asked for
    received: float  # when its head came
    date: float  # when it was made
    born: float  # when its age was 0: its age is the time since then
    fresh_until: float
    stale_while: float  # seconds after that in which it may be served while it is validated (RFC 5861, section 3)
    stale_error: float  # seconds after that in which it may be served in place of an error (RFC 5861, section 4)
    strict: bool  # never to be served stale (RFC 9111, section 4.2.4)
    always: bool  # never to be served without asking (`no-cache`)
    immutable: bool  # not worth asking about while it is fresh (RFC 8246)
    etag: bytes | None
    modified: float | None  # Last-Modified
    vary: tuple[bytes, ...]
    selecting: bytes  # what the request said in the fields that select
    groups: tuple[str, ...]  # RFC 9875
    part: tuple[int, int, int] | None  # first and last byte and the complete length; None for a whole answer
    body: bytes = b""

    @property
    def origin(self) -> bytes:
        """Scheme and host: whose resource it is of."""
        return self.selecting.partition(b"\n")[0]

    @property
    def variant(self) -> bytes:
        """Its name among the answers to one target: a later one of the same name replaces it."""
        return self.selecting if self.part is None else self.selecting + b"\npart"

    @property
    def validated(self) -> bool:
        """Whether it has a validator, so that asking about it may save its body."""
        return self.etag is not None or self.modified is not None

    @property
    def kept_until(self) -> float:
        """The moment from which nobody wants it."""
        stale = 0.0 if self.strict else max(self.stale_while, self.stale_error, DISCONNECTED)
        return self.fresh_until + max(stale, VALIDATED if self.validated else 0.0)

    @property
    def weight(self) -> int:
        """What it takes to hold, in bytes, and not less: all that is in it, whoever said it."""
        fields = sum(len(name) + len(value) + _LINE for name, value in self.headers)
        words = sum(len(word) + _WORD for word in (*self.vary, *self.groups))
        return _FRAME + len(self.body) + len(self.selecting) + len(self.etag or b"") + fields + words


def stored(
    asked: Asked, status: int, headers: Sequence[Header], said: Answering, requested: float, received: float
) -> Stored:
    """What is kept of an answer that may be; its body is still to come."""
    date = dated(headers, received)
    lifetime = explicit(headers, said, date, received)
    birth = born(headers, date, requested, received)
    vary = nominated(headers) or ()
    return Stored(
        status=status,
        headers=_kept(headers, said, received),
        requested=requested,
        received=received,
        date=date,
        born=birth,
        fresh_until=birth + (guessed(headers, status, said, date, received) if lifetime is None else lifetime),
        stale_while=said.stale_while_revalidate,
        stale_error=said.stale_if_error,
        strict=said.no_cache or said.must_revalidate or said.proxy_revalidate or said.s_maxage is not None,
        always=said.no_cache,
        immutable=said.immutable,
        etag=first(headers, b"etag"),
        modified=_modified(headers, received),
        vary=vary,
        selecting=selecting(vary, asked.origin, asked.headers),
        groups=groups(headers, b"cache-groups"),
        part=content_range(headers) if status == 206 else None,
    )


def filled(head: Stored, body: bytes) -> Stored | None:
    """`head` with its body, whose length it then states; None for a part that is not as long as it says."""
    headers = head.headers
    if head.part is not None and len(body) != head.part[1] - head.part[0] + 1:
        return None
    if head.status not in _BODILESS:
        headers = [
            *(field for field in headers if field[0] != b"content-length"),
            (b"content-length", b"%d" % len(body)),
        ]
    return msgspec.structs.replace(head, headers=headers, body=body)


def groups(headers: Sequence[Header], name: bytes) -> tuple[str, ...]:
    """The groups that Cache-Groups or Cache-Group-Invalidation names (RFC 9875, section 2); none when it is broken."""
    value = line(headers, name)
    return () if value is None else tuple(structured.strings(value) or ())


def content_range(headers: Sequence[Header]) -> tuple[int, int, int] | None:
    """First and last byte and the complete length (RFC 9110, section 14.4); None when that is not said."""
    match = _CONTENT_RANGE.fullmatch(first(headers, b"content-range") or b"")
    if match is None:
        return None
    start, end, length = (int(number) for number in match.groups())
    return (start, end, length) if start <= end < length else None


def _kept(headers: Sequence[Header], said: Answering, received: float) -> list[Header]:
    """The fields that are stored: end to end, not named by `private` or `no-cache`, and with a Date."""
    dropped = _NOT_STORED.union(said.withheld)
    kept = [field for field in headers if field[0] not in dropped]
    if first(kept, b"date") is None:
        kept.append((b"date", format_datetime(datetime.fromtimestamp(received, UTC), usegmt=True).encode()))
    return kept


def _modified(headers: Sequence[Header], received: float) -> float | None:
    value = first(headers, b"last-modified")
    return None if value is None else seconds(value, received)
