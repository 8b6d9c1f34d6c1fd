"""W3C Trace Context, level 2: a request's trace is continued, or started here.

In: the traceparent that came, if any. Out: the one to send on. Nothing is recorded, so a valid one goes on as it came.
"""

import random
import re

_VALID = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_RANDOM = b"02"  # level 2, section 3.2.2.5: the trace id's lower half is random; nobody has asked for sampling


def traceparent(given: bytes | None) -> bytes:
    """`given` where it is valid, else that of a new trace."""
    if given is not None and _VALID.fullmatch(given) and (given[:2] != b"00" or len(given) == 55):
        return given
    noise = b"%048x" % random.getrandbits(192)  # no secret, so no system call
    return b"00-%b-%b-%b" % (noise[:32], noise[32:], _RANDOM)
