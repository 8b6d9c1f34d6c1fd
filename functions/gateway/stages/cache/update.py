"""What becomes of stored answers when the function says that they have not changed (RFC 9111, sections 4.3.3 to 4.3.5).

In: stored answers that were asked about, and the head that came. Out: which of them it is about, and that one anew.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.entry import Stored, stored
from functions.gateway.stages.cache.fields import first
from runtime.http.dates import seconds

# The content stays as it is, so what describes its bytes does too (section 3.2).
_OF_THE_CONTENT = frozenset({b"content-encoding", b"content-length", b"content-md5", b"content-range"})


def identified(candidates: Sequence[Stored], headers: Sequence[Header], received: float) -> Stored | None:
    """Which of `candidates`, newest first, a 304 with `headers` is about (section 4.3.4).

    By its entity tag, else by Last-Modified. A 304 that names neither is about the one that was asked about.
    """
    etag, date = first(headers, b"etag"), first(headers, b"last-modified")
    if etag is not None:
        return next((candidate for candidate in candidates if candidate.etag == etag), None)
    if date is not None:
        modified = seconds(date, received)
        return next((candidate for candidate in candidates if candidate.modified == modified), None)
    return candidates[0] if len(candidates) == 1 else None


def freshened(former: Stored, asked: Asked, headers: Sequence[Header], requested: float, received: float) -> Stored:
    """`former` with every field that a 304 or a HEAD brought, as it would be stored now for `asked` (section 3.2)."""
    said = [field for field in headers if field[0] not in _OF_THE_CONTENT]
    if first(said, b"date") is None:
        said.append((b"date", format_datetime(datetime.fromtimestamp(received, UTC), usegmt=True).encode()))
    names = {name for name, _ in said}
    merged = [*(field for field in former.headers if field[0] not in names), *said]
    head = stored(asked, former.status, merged, answering(merged), requested, received)
    return msgspec.structs.replace(head, body=former.body)


def headed(former: Stored, headers: Sequence[Header], received: float) -> bool:
    """Whether the answer to a HEAD shows that `former` is still what a GET would get (section 4.3.5)."""
    modified = first(headers, b"last-modified")
    return (
        _same(first(headers, b"etag"), former.etag)
        and (modified is None or seconds(modified, received) == former.modified)
        and _same(first(headers, b"content-length"), b"%d" % len(former.body))
    )


def _same(said: bytes | None, held: bytes | None) -> bool:
    return said is None or said == held
