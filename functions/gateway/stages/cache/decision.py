"""The decisions of a shared cache (RFC 9111): what a request gets of what is held, and what becomes of an answer.

In: what was asked, what is held, what came, now. Out: one small value that says what to do; the stage acts on it.
Each function is a table read from top to bottom. Moments are epoch seconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from functions.gateway.exchange import Header
from functions.gateway.stages.cache import status as why_forwarded
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.conditional import conditions, in_range
from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.entry import DISCONNECTED, Stored, stored
from functions.gateway.stages.cache.fields import first
from functions.gateway.stages.cache.ranges import holds
from functions.gateway.stages.cache.selection import PERSONAL, selecting
from functions.gateway.stages.cache.storable import storable
from functions.gateway.stages.cache.update import freshened, headed, identified

ERRORS = frozenset({500, 502, 503, 504})  # in place of which something stale may be served (RFC 5861, section 4)


class Reuse(NamedTuple):
    """Answer with what is stored, now; `behind`: and ask the function about it meanwhile (RFC 5861, section 3)."""

    stored: Stored
    behind: bool = False


class Validate(NamedTuple):
    """Ask the function, with `conditions` in place of the client's, whether one of `stored` still holds."""

    conditions: list[Header]
    stored: tuple[Stored, ...]
    why: bytes
    grace: Stored | None = None  # what may be served stale where the function fails


class Fetch(NamedTuple):
    """Ask the function as the client did."""

    why: bytes
    grace: Stored | None = None
    outdated: tuple[Stored, ...] = ()  # what an answer takes the place of


class Refuse(NamedTuple):
    """The client wants only what is stored, and that isn't there: 504 (section 5.2.1.7)."""


class Store(NamedTuple):
    """Keep it once its body is there: `filled(stored, body)`."""

    stored: Stored


class Update(NamedTuple):
    """What is stored still holds: it is the answer to what was asked. `keep`: and takes the place of the former."""

    stored: Stored
    keep: bool = True


class Renew(NamedTuple):
    """Hand the answer on, and put these in place of what they are made of: a HEAD has told what has become of them."""

    stored: tuple[Stored, ...]


class Stale(NamedTuple):
    """Answer with what is stored in place of an error."""

    stored: Stored


class Again(NamedTuple):
    """A 304 about nothing that is held: ask once more, without conditions (section 4.3.4)."""


class Pass(NamedTuple):
    """Hand the answer on and store nothing; what it shows to be `outdated` goes."""

    outdated: tuple[Stored, ...] = ()


Forward = Validate | Fetch
Outcome = Store | Update | Renew | Stale | Again | Pass
REFUSE, AGAIN, PASS = Refuse(), Again(), Pass()
BYPASS = Fetch(why_forwarded.REQUEST)  # nothing held may answer it, and nothing is kept of what does
_URI_MISS = Fetch(why_forwarded.URI_MISS)


def on_request(asked: Asked, held: Sequence[Stored], now: float) -> Reuse | Validate | Fetch | Refuse:
    """What to do with a GET or HEAD, of whose target `held` is stored, newest first (section 4)."""
    if asked.past or (asked.directives is not None and asked.directives.no_store):
        return BYPASS
    match = _selected(asked, held, now)
    if match is not None:
        if now < match.fresh_until and asked.directives is None and not match.always:
            return Reuse(match)
        reuse = _reusable(asked, match, now)
        if reuse is not None:
            return reuse
    if asked.directives is not None and asked.directives.only_if_cached:
        return REFUSE
    return _missed(asked, held) if match is None else ask_about(asked, match, now)


def on_answer(
    asked: Asked, decided: Forward, status: int, headers: Sequence[Header], requested: float, received: float
) -> Outcome:
    """What to do with the head of an answer to what was forwarded (sections 3, 4.3.3 and 4.3.5)."""
    if status == 304 and isinstance(decided, Validate):
        return _on_not_modified(asked, decided, headers, requested, received)
    grace = decided.grace
    if status in ERRORS and grace is not None and received < grace.fresh_until + _patience(asked, grace):
        return Stale(grace)
    former = decided.stored if isinstance(decided, Validate) else decided.outdated
    outdated = () if status in ERRORS else former
    if asked.method == b"HEAD":
        return _on_head(asked, outdated, status, headers, requested, received)
    said = answering(headers)
    head = stored(asked, status, headers, said, requested, received)
    return Store(head) if storable(asked, headers, said, head) else Pass(outdated)


def withheld(outcome: Outcome) -> Outcome:
    """What becomes of an answer on a route that doesn't share cookies: one that sets a cookie is kept for nobody."""
    match outcome:
        case Store(stored) if _sets_cookie(stored):
            return Pass((stored,))
        case Update(stored) if _sets_cookie(stored):
            return Update(stored, keep=False)
        case Renew(renewed) if any(map(_sets_cookie, renewed)):
            return Pass(renewed)
    return outcome


def on_failure(asked: Asked, decided: Forward, now: float) -> Stored | None:
    """What may be served where no answer is to be had: this cache is disconnected then (section 4.2.4)."""
    grace = decided.grace
    if grace is None or now >= grace.fresh_until + max(DISCONNECTED, _patience(asked, grace)):
        return None
    return grace


def ask_about(asked: Asked, match: Stored, now: float) -> Forward:
    """How the function is asked about `match`, which is held and may not be used as it is (section 4.3)."""
    want, fresh = asked.directives, now < match.fresh_until
    why = why_forwarded.REQUEST if fresh and not match.always else why_forwarded.STALE
    grace = None if match.strict or (want is not None and want.demanding) else match
    if match.validated and match.part is None:
        return Validate(conditions((match,)), (match,), why, grace)
    return Fetch(why, grace, (match,))


def _selected(asked: Asked, held: Sequence[Stored], now: float) -> Stored | None:
    """The newest whole answer that the request selects, or the part that it wants (sections 3.3 and 4.1)."""
    part = vary = None
    mine = b""
    for candidate in held:
        if candidate.vary != vary:  # most have the same, and a client makes what selects as long as it likes
            vary = candidate.vary
            mine = selecting(vary, asked.origin, asked.headers)
        if candidate.selecting != mine:
            continue
        if candidate.part is None:
            return candidate
        if part is None and asked.wanted and holds(candidate, asked.wanted) and in_range(asked, candidate, now):
            part = candidate
    return part


def _selects(asked: Asked, candidate: Stored) -> bool:
    return candidate.selecting == selecting(candidate.vary, asked.origin, asked.headers)


def _reusable(asked: Asked, match: Stored, now: float) -> Reuse | None:
    """Whether `match` may be used without asking first (sections 4.2.4 and 5.2.1)."""
    want, staleness = asked.directives, now - match.fresh_until
    if match.always or (want is not None and want.no_cache):
        return None
    fresh = staleness < 0
    if want is not None:
        if -staleness < want.min_fresh > 0 or _too_old(want.max_age, match, now, fresh=fresh):
            return None
        if not match.strict and not fresh and staleness <= want.max_stale:
            return Reuse(match)
    if fresh:
        return Reuse(match)
    if match.strict or staleness >= match.stale_while or (want is not None and want.demanding):
        return None
    return Reuse(match, behind=True)


def _too_old(max_age: float | None, match: Stored, now: float, *, fresh: bool) -> bool:
    """Whether the client wants a younger one; a reload is no reason to ask about what is immutable (RFC 8246)."""
    return max_age is not None and now - match.born > max_age and not (fresh and match.immutable)


def _missed(asked: Asked, held: Sequence[Stored]) -> Forward:
    """Nothing matches. Other variants may be what this request would get too: their tags tell (section 4.3.1).

    Of the same resource, that is: what another origin calls by the same tag is something else.
    """
    variants = [candidate for candidate in held if candidate.origin == asked.origin]
    if not variants:
        return _URI_MISS
    if any(candidate.part is not None for candidate in variants):
        return Fetch(why_forwarded.PARTIAL)
    others = tuple(candidate for candidate in variants if candidate.etag and PERSONAL.isdisjoint(candidate.vary))
    if not others or asked.conditional:
        return Fetch(why_forwarded.VARY_MISS)
    return Validate(conditions(others), others, why_forwarded.VARY_MISS)


def _on_not_modified(
    asked: Asked, decided: Validate, headers: Sequence[Header], requested: float, received: float
) -> Update | Again:
    former = identified(decided.stored, headers, received)
    if former is None:
        return AGAIN
    fresh = freshened(former, asked, headers, requested, received)
    mine = asked.method == b"GET" or _selects(asked, former)
    return Update(fresh, keep=mine and _renewable(asked, fresh))


def _on_head(
    asked: Asked,
    former: tuple[Stored, ...],
    status: int,
    headers: Sequence[Header],
    requested: float,
    received: float,
) -> Renew | Pass:
    """A HEAD that shows the same as before freshens what is stored; one that shows another makes it worthless.

    Only of what it could have been answered with: it says nothing about other variants. Nor does a 304 that the client
    asked for itself.
    """
    chosen = () if status == 304 else tuple(one for one in former if _selects(asked, one))
    if status != 200 or not all(headed(one, headers, received) for one in chosen):
        return Pass(chosen)
    fresh = tuple(freshened(one, asked, headers, requested, received) for one in chosen)
    return Renew(fresh) if all(_renewable(asked, one) for one in fresh) else Pass(chosen)


def _renewable(asked: Asked, fresh: Stored) -> bool:
    """Whether what a GET brought may be kept with the fields that it has now, by whichever method they came."""
    return storable(msgspec.structs.replace(asked, method=b"GET"), fresh.headers, answering(fresh.headers), fresh)


def _sets_cookie(stored: Stored) -> bool:
    return first(stored.headers, b"set-cookie") is not None


def _patience(asked: Asked, grace: Stored) -> float:
    """How long after its end `grace` may stand in for an error: as it says, or as the client does (RFC 5861)."""
    return max(grace.stale_error, 0.0 if asked.directives is None else asked.directives.stale_if_error)
