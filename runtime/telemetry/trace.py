"""W3C Trace Context, level 2: a request's trace is continued, or started here.

In: the traceparent and the tracestate that came, if any. Out: those to send on. Nothing is recorded, so a valid parent
goes on as it came; of the state what breaks the rules is dropped, and what is too long made shorter.
"""

import random
import re
from collections.abc import Sequence

_VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_RANDOM = b"02"  # level 2, section 3.2.2.5: the trace id's lower half is random; nobody has asked for sampling

# Section 3.3.2; an @ stands where level 1 has it, between a tenant and a vendor, as W3C's suite asks of everybody.
_KEY = rb"[a-z0-9][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
_MEMBER = re.compile(rb"(%b)=[ -+\--<>-~]{0,255}[!-+\--<>-~]" % _KEY)
_MEMBERS = 32
_LONG = 128  # bytes of a member that goes first where there is too much
_MOST = 512  # bytes


def tracestate(given: bytes) -> bytes:
    """What of `given` goes on: nothing where any of it can't be parsed (section 3.3.1.1), else 512 bytes at most.

    Members of more than 128 bytes go first, the last of them before the others (section 3.3.1.5).
    """
    members = [member for part in given.split(b",") if (member := part.strip(b" \t"))]
    keys = {found[1] for member in members if (found := _MEMBER.fullmatch(member))}
    if len(members) > _MEMBERS or len(keys) < len(members):  # one is no member, or is there twice
        return b""
    while _size(members) > _MOST:
        members.pop(next((each for each in reversed(range(len(members))) if len(members[each]) > _LONG), -1))
    return b",".join(members)


def _size(members: Sequence[bytes]) -> int:
    """Bytes that they take, with what is between them."""
    return sum(map(len, members)) + len(members) - 1


def traceparent(given: bytes | None) -> bytes:
    """`given` where it is valid, else that of a new trace."""
    if given is not None and _VALID.fullmatch(given) and (given[:2] != b"00" or len(given) == 55):
        return given
    noise = b"%048x" % random.getrandbits(192)  # no secret, so no system call
    return b"00-%b-%b-%b" % (noise[:32], noise[32:], _RANDOM)
