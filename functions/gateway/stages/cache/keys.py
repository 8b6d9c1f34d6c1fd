"""Under which name an answer is kept: a function, and the target less what makes no difference.

In: targets and what the manifest says of their queries. Out: targets as they count, keys and tags, in bytes. The origin
is no part of a key: it is among what selects an answer, and a target is forgotten for all origins at once. The function
is asked for the target that counts, so that whatever it makes of another spelling is nobody's answer.
"""

import re
from collections.abc import Callable, Collection, Iterable

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.invalidation import Invalidation
from functions.gateway.stages.cache.short import LONGEST, short

Key = bytes
Normal = Callable[[bytes], bytes]  # a target as it counts

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_ENDS = b"?&"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def key(function: str, target: bytes) -> Key:
    """`target`, one that counts, of a function."""
    return b"%b %b" % (function.encode(), target if len(target) <= LONGEST else short(target))


def tags(function: str, stored: Stored) -> list[bytes]:
    """The groups of an answer, kept apart for each function (RFC 9875, section 2.2.1)."""
    return [tag(function, group) for group in stored.groups]


def tag(function: str, group: str) -> bytes:
    """A group of a function; no key looks like one, as targets begin with a slash."""
    return b"%b group %b" % (function.encode(), short(group.encode()))


def names(function: str, found: Invalidation, normals: Collection[Normal] = ()) -> list[bytes]:
    """The keys and tags that an invalidation is about; `normals`: how targets of the function count, route by route."""
    targets = dict.fromkeys(normal(target) for target in found.targets for normal in (plain, *normals))
    return [*(key(function, target) for target in targets), *(tag(function, group) for group in found.groups)]


def plain(target: bytes) -> bytes:
    """`target` with escapes in one spelling (RFC 3986, section 6.2.2), and nothing where a parameter might be."""
    if b"%" in target:
        target = _ESCAPE.sub(_spelled, target)
    if b"?" in target and (b"&&" in target or b"?&" in target or target[-1] in _ENDS):
        path, _, query = target.partition(b"?")
        return _joined(path, [part for part in query.split(b"&") if part])
    return target


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
        return _joined(path, [part for _, part in left])

    return normal


def _joined(path: bytes, parameters: list[bytes]) -> bytes:
    return b"%b?%b" % (path, b"&".join(parameters)) if parameters else path


def _spelled(escape: re.Match[bytes]) -> bytes:
    code = int(escape[1], 16)
    return bytes((code,)) if code in _UNRESERVED else escape[0].upper()
