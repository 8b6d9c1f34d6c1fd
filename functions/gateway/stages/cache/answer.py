"""A stored answer as it goes to one client (RFC 9111, section 4): whole, without content, in part, or "you have it".

In: a request, what is held, now. Out: a Response. The usual one costs a list of fields and no look at the request's.
"""

from functions.gateway.exchange import Header, Response
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.conditional import in_range, unmodified
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.ranges import UNSATISFIABLE, span

# What describes content that a 304 does not bring (RFC 9110, section 15.4.5).
_OF_CONTENT = frozenset(
    {b"content-encoding", b"content-language", b"content-length", b"content-md5", b"content-range", b"content-type"}
)


def answer(asked: Asked, held: Stored, now: float, status: Header) -> Response:
    """What `asked` gets of `held`, with its Age and `status`, the Cache-Status to send."""
    headers = [*held.headers, (b"age", b"%d" % max(0.0, now - held.born)), status]
    if asked.conditional:
        return _conditional(asked, held, now, headers)
    return Response(held.status, headers, held.body if asked.method != b"HEAD" else b"")


def _conditional(asked: Asked, held: Stored, now: float, headers: list[Header]) -> Response:
    if unmodified(asked, held, now):
        return Response(304, [field for field in headers if field[0] not in _OF_CONTENT])
    if asked.wanted is not None and held.status in {200, 206} and in_range(asked, held, now):
        return _part(asked.wanted, held, headers)
    return Response(held.status, headers, held.body if asked.method != b"HEAD" else b"")


def _part(wanted: bytes, held: Stored, headers: list[Header]) -> Response:
    offset, _, length = held.part or (0, 0, len(held.body))
    found = span(wanted, length)
    if found is None:
        return Response(held.status, headers, held.body)
    if found == UNSATISFIABLE:
        refused = [field for field in headers if field[0] not in _OF_CONTENT]
        return Response(416, [*refused, (b"content-range", b"bytes */%d" % length), (b"content-length", b"0")])
    start, end = found
    kept = [field for field in headers if field[0] not in {b"content-length", b"content-range"}]
    said = [
        (b"content-range", b"bytes %d-%d/%d" % (start, end, length)),
        (b"content-length", b"%d" % (end - start + 1)),
    ]
    return Response(206, kept + said, held.body[start - offset : end - offset + 1])
