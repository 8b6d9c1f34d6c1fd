"""Which stored answer a request selects (RFC 9111, section 4.1): Vary, and fields that say the same in other words.

In: heads. Out: the names that Vary nominates, and one value that is equal for requests that select the same answer.
The origin, scheme and host, is always among them: answers to one target are kept together for all origins, and each is
another resource, whose answers are neither given to a client of another one nor asked about for it.
"""

import re
from collections.abc import Sequence

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.fields import line, members
from functions.gateway.stages.cache.short import short

MOST = 32  # names in Vary
LONGEST = 1024  # bytes of a field that are read for what they mean; who says more selects by each byte of it
# Who is asking: answers that are selected by these are never offered to somebody else for validation.
PERSONAL = frozenset({b"authorization", b"cookie"})
# Preferences, whose members may come in any order and in any case (RFC 9110, section 12.5).
_PREFERENCES = frozenset({b"accept", b"accept-charset", b"accept-encoding", b"accept-language"})
# One value each, in which a comma divides nothing.
_WHOLE = frozenset({b"user-agent", b"referer", b"origin", b"if-modified-since", b"date"}) | PERSONAL

_FIRST_CHOICE = re.compile(rb";q=1(?:\.0{0,3})?(?=;|\Z)")


def nominated(headers: Sequence[Header]) -> tuple[bytes, ...] | None:
    """The names in Vary, in lower case and in order; None when nothing that is stored could ever match: `*`.

    So it is with more of them than MOST, each of which would be looked for in every request.
    """
    names = {name.lower() for name in members(line(headers, b"vary") or b"")}
    return None if b"*" in names or len(names) > MOST else tuple(sorted(names))


def selecting(names: tuple[bytes, ...], origin: bytes, headers: Sequence[Header]) -> bytes:
    """What a request to `origin` says in the fields that are called `names`."""
    if not names:
        return origin
    return b"%b\n%b" % (origin, short(b"\n".join([_said(name, line(headers, name)) for name in names])))


def _said(name: bytes, value: bytes | None) -> bytes:
    """One field as it selects; a field that is missing matches only where it is missing too."""
    if value is None:
        return name
    if name in _WHOLE or len(value) > LONGEST or b'"' in value:
        return name + b":" + value.strip(b" \t")
    if name in _PREFERENCES:
        return name + b":" + b",".join(sorted(map(_preference, members(value))))
    return name + b":" + b",".join(members(value))


def _preference(member: bytes) -> bytes:
    """Without spaces round its parameters. Taken apart, and not searched: a long run of spaces is passed once."""
    parts = (b"=".join([word.strip(b" \t") for word in part.split(b"=")]) for part in member.lower().split(b";"))
    return _FIRST_CHOICE.sub(b"", b";".join(parts))
