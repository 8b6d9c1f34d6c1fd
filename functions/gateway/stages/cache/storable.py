"""Whether an answer may be stored at all (RFC 9111, section 3), by a cache that many share.

In: what was asked, and what the answer says. Out: yes or no. Each line is one condition of the section.
"""

from collections.abc import Sequence
from http import HTTPStatus

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.directives import Answering
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.fields import first
from functions.gateway.stages.cache.freshness import HEURISTIC
from functions.gateway.stages.cache.ranges import span
from functions.gateway.stages.cache.selection import nominated

# Status codes whose caching this cache knows; a 304 only updates what is stored.
UNDERSTOOD = frozenset(map(int, HTTPStatus)) - {304}
# What answers a request's own conditions or Range, and so nobody's who asks without.
_TO_CONDITIONS = frozenset({304, 412, 416})


def storable(asked: Asked, headers: Sequence[Header], said: Answering, head: Stored) -> bool:
    """Whether `head`, made of `headers`, may be kept and is worth it."""
    return (
        asked.method == b"GET"
        and not asked.past
        and not (asked.directives is not None and asked.directives.no_store)
        and _permitted(head.status, said)
        and (not asked.authorized or _for_everyone(said))
        and nominated(headers) is not None
        and head.status not in _TO_CONDITIONS
        and (head.status != 206 or _fits(asked, headers, head))
        and _cacheable(headers, said, head)
    )


def _fits(asked: Asked, headers: Sequence[Header], head: Stored) -> bool:
    """Whether a part is the one that was asked for, and as long as it says (RFC 9110, section 15.3.7)."""
    if head.part is None or asked.wanted is None:
        return False
    start, end, length = head.part
    announced = first(headers, b"content-length")
    return span(asked.wanted, length) == (start, end) and announced in {None, b"%d" % (end - start + 1)}


def _permitted(status: int, said: Answering) -> bool:
    """Neither no-store nor private; must-understand overrides no-store where the status is understood (5.2.2.3)."""
    if said.must_understand:
        return status in UNDERSTOOD and not said.private
    return not said.no_store and not said.private


def _for_everyone(said: Answering) -> bool:
    """What lets an answer to a request with Authorization be stored (section 3.5)."""
    return said.public or said.must_revalidate or said.s_maxage is not None


def _cacheable(headers: Sequence[Header], said: Answering, head: Stored) -> bool:
    """Cacheable by what it says or by default, and of use: fresh for a while, or with a validator to ask with.

    A cookie is shared only by whoever states a lifetime for it: what was set for one client must not reach another
    merely because it could be stored (section 7.3 leaves it to Cache-Control).
    """
    stated = said.max_age is not None or said.s_maxage is not None or first(headers, b"expires") is not None
    if first(headers, b"set-cookie") is not None:
        return stated and head.fresh_until > head.born
    by_default = stated or said.public or head.status in HEURISTIC
    return by_default and (head.fresh_until > head.received or head.validated or _excused(said))


def _excused(said: Answering) -> bool:
    return said.stale_while_revalidate > 0 or said.stale_if_error > 0
