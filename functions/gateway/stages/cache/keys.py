"""Under which name an answer is kept: a function, and the target less what makes no difference.

In: targets and what the manifest says of their queries. Out: keys and tags, in bytes. The origin is no part of a key:
it is among what selects an answer, and a target is forgotten for all origins at once. A key is never sent anywhere: the
function gets the target as the client wrote it.
"""

import re
from collections.abc import Callable, Iterable

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.invalidation import Invalidation

Key = bytes
Normal = Callable[[bytes], bytes]  # a target as it counts

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def key(function: str, target: bytes) -> Key:
    """`target`, one that counts, of a function."""
    return b"%b %b" % (function.encode(), target)


def tags(function: str, stored: Stored) -> list[bytes]:
    """The groups of an answer, kept apart for each function (RFC 9875, section 2.2.1)."""
    return [tag(function, group) for group in stored.groups]


def tag(function: str, group: str) -> bytes:
    """A group of a function; no key looks like one, as targets begin with a slash."""
    return b"%b group %b" % (function.encode(), group.encode())


def names(function: str, found: Invalidation) -> list[bytes]:
    """The keys and tags that an invalidation is about."""
    return [
        *(key(function, plain(target)) for target in found.targets),
        *(tag(function, group) for group in found.groups),
    ]


def plain(target: bytes) -> bytes:
    """`target` with escapes in one spelling only (RFC 3986, section 6.2.2)."""
    return _ESCAPE.sub(_spelled, target) if b"%" in target else target


def counting(keep: Iterable[str] | None, drop: Iterable[str]) -> Normal:
    """How a route's targets count: of the query the parameters that are kept (None: all) and not dropped, by name."""
    kept = None if keep is None else frozenset(name.encode() for name in keep)
    dropped = frozenset(name.encode() for name in drop)
    if kept is None and not dropped:
        return plain

    def normal(target: bytes) -> bytes:
        path, question, query = plain(target).partition(b"?")
        if not question:
            return path
        named = [(part.partition(b"=")[0], part) for part in query.split(b"&")]
        left = sorted(
            (pair for pair in named if pair[0] not in dropped and (kept is None or pair[0] in kept)),
            key=lambda pair: pair[0],
        )
        return b"%b?%b" % (path, b"&".join(part for _, part in left)) if left else path

    return normal


def _spelled(escape: re.Match[bytes]) -> bytes:
    code = int(escape[1], 16)
    return bytes((code,)) if code in _UNRESERVED else escape[0].upper()
