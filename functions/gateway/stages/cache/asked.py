"""What a request says that matters to a cache, read in one pass.

In: a method and a request's fields. Out: an Asked. Most requests say nothing of the kind, and cost one look per field.
"""

from collections.abc import Sequence

import msgspec

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.directives import Asking, asking

# What only the function can judge (RFC 9111, section 4.3.2), and content, which may change the answer.
_PAST_ME = frozenset({b"if-match", b"if-unmodified-since", b"content-length", b"transfer-encoding"})
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"if-range", b"range"})
_PORT = ord(":")
SCHEMES = {b"http": b":80", b"https": b":443"}  # and the port of each
_HEARD = _PAST_ME | _CONDITIONS | {b"authorization", b"cache-control", b"pragma", b"host"}


class Asked(msgspec.Struct, frozen=True):
    """One request, as a cache sees it."""

    method: bytes
    headers: Sequence[Header]
    origin: bytes = b""  # scheme and host, in lower case: whose resource it asks for
    directives: Asking | None = None  # None: it says nothing about caching
    authorized: bool = False  # it carries Authorization
    past: bool = False  # only the function can answer it
    none_match: bytes | None = None
    modified_since: bytes | None = None
    wanted: bytes | None = None  # Range
    if_range: bytes | None = None

    @property
    def plain(self) -> bool:
        """Whether it asks for the whole of what is there, as most do: one such answer suits all that select it."""
        return self.method == b"GET" and not self.past and self.directives is None and not self.conditional

    @property
    def conditional(self) -> bool:
        """Whether another answer than the whole one may suit it."""
        return not (self.none_match is None and self.modified_since is None and self.wanted is None)

    def unconditional(self) -> list[Header]:
        """Its fields, less conditions and Range: what goes on to the function with conditions of the cache's own."""
        return [field for field in self.headers if field[0] not in _CONDITIONS]


def ask(method: bytes, headers: Sequence[Header], scheme: bytes = b"http") -> Asked:
    """Reads a request. Of a field that should be there once the first counts; lists are joined.

    Its host is there as it counts: what the function makes of another spelling would be everybody's.
    """
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _HEARD:
            said[name] = said[name] + b", " + value if name in said else value
    host = said.pop(b"host", b"")
    origin = named(scheme, host)
    if not origin.endswith(b"://" + host):
        counts = origin.partition(b"://")[2]
        headers = [(name, counts if name == b"host" else value) for name, value in headers]
    if not said:
        return Asked(method, headers, origin)
    control, pragma = said.get(b"cache-control"), said.get(b"pragma")
    return Asked(
        method,
        headers,
        origin,
        directives=None if control is pragma is None else asking(control, pragma),
        authorized=b"authorization" in said,
        past=any(name in _PAST_ME for name in said if name != b"content-length" or said[name] != b"0"),
        none_match=said.get(b"if-none-match"),
        modified_since=said.get(b"if-modified-since"),
        wanted=said.get(b"range") if method == b"GET" else None,
        if_range=said.get(b"if-range"),
    )


def named(scheme: bytes, host: bytes) -> bytes:
    """The origin that these say: in lower case, and without a port that is empty or the scheme's (RFC 9110, 4.2.3)."""
    host = host.lower()
    if _PORT in host:
        host = host.removesuffix(SCHEMES[scheme]).removesuffix(b":")
    return scheme + b"://" + host
