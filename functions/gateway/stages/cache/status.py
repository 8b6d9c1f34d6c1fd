"""Cache-Status (RFC 9211): how an answer came about, for who reads its head.

In: what the cache did. Out: one field line under the name `portico`.
"""

from math import floor

from functions.gateway.exchange import Header

NAME = b"cache-status"

# Why a request was forwarded (section 2.2).
BYPASS = b"bypass"
METHOD = b"method"
URI_MISS = b"uri-miss"
VARY_MISS = b"vary-miss"
REQUEST = b"request"
STALE = b"stale"
PARTIAL = b"partial"


def hit(ttl: float, detail: bytes = b"") -> Header:
    """It came out of the cache; `ttl` seconds it is fresh yet, below 0 when it is stale (section 2.4)."""
    if detail:
        return (NAME, b"portico; hit; ttl=%d; detail=%b" % (floor(ttl), detail))
    return (NAME, b"portico; hit; ttl=%d" % floor(ttl))


def forwarded(why: bytes, status: int, *, stored: bool = False, collapsed: bool = False) -> Header:
    """It was asked of the function, which answered with `status`; `collapsed`: together with other requests."""
    marks = (b"; stored" if stored else b"") + (b"; collapsed" if collapsed else b"")
    return (NAME, b"portico; fwd=%b; fwd-status=%d%b" % (why, status, marks))


def refused() -> Header:
    """Nothing was forwarded, as the request has it, and nothing was there."""
    return (NAME, b"portico; detail=only-if-cached")
