"""The head of a request on its way out, and which fields may cross the gateway.

In: fields with lower-case names, in order. Out: the fields that are end to end, or the bytes of a head.
It never changes a name, a value or a target; what could split a request is refused.
"""

from collections.abc import Sequence
from functools import lru_cache

from functions.gateway.exchange import Header
from functions.gateway.stages.forward.errors import Misuse

# RFC 9110, section 7.6.1. TE and Trailer go with the rest: trailers are not forwarded.
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
# `head` writes the framing from the body that is really there; who expects to be asked for it has been.
NOT_FORWARDED = HOP_BY_HOP | {b"content-length", b"expect"}
# A request without content and without Content-Length means the same here (RFC 9110, section 8.6).
WITHOUT_CONTENT = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_LF, _CR, _NUL, _SPACE = b"\n\r\0 "  # numbers: to look for bytes in bytes costs several times as much


def outgoing(headers: Sequence[Header]) -> list[Header]:
    """A client's request fields that go on to an instance, without framing: `head` writes that.

    Call it on what the client sent, and add fields of our own afterwards: a client may name any field in Connection,
    and would have ours dropped. Host stays, even when it is named.
    """
    return _end_to_end(headers, NOT_FORWARDED)


def addressed(headers: Sequence[Header], host: bytes) -> list[Header]:
    """For a service that knows itself by another name: its own as Host, and the one that was asked for beside it."""
    asked = [(b"x-forwarded-host", value) for name, value in headers if name == b"host"]
    return [(b"host", host), *(header for header in headers if header[0] != b"host"), *asked]


def incoming(headers: Sequence[Header]) -> list[Header]:
    """An instance's response fields that go on to the client. Content-Length stays: HEAD and 304 need it."""
    return _end_to_end(headers, HOP_BY_HOP)


def of_events(headers: Sequence[Header]) -> bool:
    """Whether an answer is a stream of events (HTML, section 9.2), in plain text."""
    said = dict(headers)
    kind = said.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return kind == b"text/event-stream" and said.get(b"content-encoding", b"identity").lower() == b"identity"


def head(method: bytes, target: bytes, headers: Sequence[Header], length: int | None) -> bytes:
    """The bytes of a request's head (RFC 9112, sections 3 and 5), framed for `length` bytes; None means chunked.

    Raises Misuse for CR, LF or NUL anywhere, for a space in the method or target, and for framing among `headers`.
    """
    framing = _framing(method, length)
    lines = [b"%b %b HTTP/1.1" % (method, target), *map(b": ".join, headers), *framing, b"", b""]
    text = b"\r\n".join(lines)
    ends = len(lines) - 1
    if text.count(_LF) != ends or text.count(_CR) != ends or _NUL in text or lines[0].count(_SPACE) != 2:
        raise Misuse("a field or the target holds CR, LF, NUL or a space that would split the request")
    if not _FRAMING.isdisjoint(dict(headers)):
        raise Misuse("framing fields are written from the body's length; take them out with outgoing()")
    return text


def _framing(method: bytes, length: int | None) -> tuple[bytes, ...]:
    if length is None:
        return (b"transfer-encoding: chunked",)
    if length == 0 and method in WITHOUT_CONTENT:
        return ()
    return (b"content-length: %d" % length,)


def _end_to_end(headers: Sequence[Header], dropped: frozenset[bytes]) -> list[Header]:
    kept = [field for field in headers if field[0] not in dropped]
    if len(kept) == len(headers):  # so there is no Connection either
        return kept
    named = _named(b",".join([value for name, value in headers if name == b"connection"]))
    return [field for field in kept if field[0] not in named] if named else kept


@lru_cache(maxsize=256)
def _named(options: bytes) -> frozenset[bytes]:
    """The fields that end here as Connection names them, beside those that always do."""
    return frozenset(option.strip().lower() for option in options.split(b",")) - {b"", b"host"} - HOP_BY_HOP
