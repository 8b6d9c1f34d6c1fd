"""How long an answer is fresh, and how old it is (RFC 9111, section 4.2).

In: heads, what Cache-Control says, and moments in epoch seconds. Out: seconds. A shared cache's arithmetic, done once,
when an answer is stored: from then on an age is one subtraction.
"""

from collections.abc import Sequence
from math import floor

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.directives import Answering
from functions.gateway.stages.cache.fields import delta, first
from runtime.http.dates import seconds

FRACTION = 0.1  # of the time since the last change (section 4.2.2)
LONGEST_GUESS = 24 * 3600.0  # seconds: no answer is taken for fresh longer, unless it says so

# Cacheable by default (RFC 9110, section 15.1).
HEURISTIC = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})


def dated(headers: Sequence[Header], received: float) -> float:
    """When the answer was made: its Date, or when it came where that is missing or broken (RFC 9110, section 6.6.1)."""
    value = first(headers, b"date")
    date = None if value is None else seconds(value, received)
    return float(floor(received)) if date is None else date


def born(headers: Sequence[Header], date: float, requested: float, received: float) -> float:
    """The moment at which the answer's age was 0 (section 4.2.3): its current age is the time since then.

    Date says whole seconds, so the time it came counts in whole seconds beside it: what was made just now is not aged.
    """
    apparent = max(0.0, floor(received) - date)
    corrected = _age(headers) + max(0.0, received - requested)
    return received - max(apparent, corrected)


def explicit(headers: Sequence[Header], said: Answering, date: float, received: float) -> float | None:
    """The lifetime that the answer itself states (section 4.2.1), None when it states none."""
    if said.s_maxage is not None:
        return said.s_maxage
    if said.max_age is not None:
        return said.max_age
    value = None if said.targeted else first(headers, b"expires")
    if value is None:
        return None
    expires = seconds(value, received)
    return 0.0 if expires is None else max(0.0, expires - date)


def guessed(headers: Sequence[Header], status: int, said: Answering, date: float, received: float) -> float:
    """The lifetime that may be guessed from Last-Modified where none is stated (section 4.2.2).

    None is guessed for an answer that sets a cookie: such a one is shared only by whoever says so.
    """
    if (status not in HEURISTIC and not said.public) or first(headers, b"set-cookie") is not None:
        return 0.0
    value = first(headers, b"last-modified")
    modified = None if value is None else seconds(value, received)
    return 0.0 if modified is None else min(max(0.0, date - modified) * FRACTION, LONGEST_GUESS)


def _age(headers: Sequence[Header]) -> float:
    """Age, of several the first; 0 when it is no number (section 5.1)."""
    value = first(headers, b"age")
    return 0.0 if value is None else delta(value.partition(b",")[0].strip(b" \t")) or 0.0
