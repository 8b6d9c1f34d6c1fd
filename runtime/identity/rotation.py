"""Which of several signing keys signs now, and which are still believed: their names alone decide.

A key is called by the moment from which it signs, so rotating is to put a key there that begins a little later:
nothing restarts, and everybody who checks tokens has heard of it before its first one. Times are seconds since the
epoch.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf

AHEAD = 15.0  # seconds that a new key is published before it signs: twice as long as anybody takes to hear of it

_FORM = "%Y%m%dT%H%M%SZ"


def called(moment: float) -> str:
    """The kid of a key that signs from `moment` on, in whole seconds: "20261124T003000Z"."""
    return datetime.fromtimestamp(moment, UTC).strftime(_FORM)


def begins(kid: str) -> float:
    """When the key begins to sign. One that is called otherwise has always been there."""
    try:
        return datetime.strptime(kid, _FORM).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return -inf


def signing(kids: Iterable[str], now: float) -> str:
    """The one that began last; the first to come, while none has. There must be one."""
    known = _in_order(kids)
    return next((kid for kid in reversed(known) if begins(kid) <= now), known[0])


def believed(kids: Iterable[str], now: float, lifetime: float) -> list[str]:
    """Those that sign, will sign, or have signed tokens that still live; `lifetime` is a token's, in seconds."""
    known = _in_order(kids)
    ends = [begins(successor) + lifetime for successor in known[1:]]
    return [kid for kid, end in zip(known, [*ends, inf], strict=True) if end > now or end == -inf]


def _in_order(kids: Iterable[str]) -> list[str]:
    return sorted(kids, key=lambda kid: (begins(kid), kid))
