"""Requests as nobody would write them: made by a grammar, bent in a few places, three to a connection at most.

In: a source of random choices. Out: bytes. The same seed makes the same bytes. It opens no socket and judges nothing.
"""

from collections.abc import Sequence
from random import Random

from tests.contract.wire.attacks import HIDDEN, meant, refused

LAST = b"GET /echo/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CLAIMED = b"10.9.8.7"  # an address that no client may say it has
_SEEDS = [sent for _, sent in (*refused(), *meant()) if len(sent) < 2000]

# What is sound comes first in each.
_METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"get", b"G\x00T", b"PRI")
_STEPS = (
    b"echo",
    b"a",
    b"..",
    b".",
    b"",
    b"%2e%2e",
    b"%2f",
    b"%5c",
    b"\\",
    b"..;",
    b"%00",
    b"%c0%ae",
    b"%C3%A9",
    b"%",
    b"a;b=1",
)
_QUERIES = (b"", b"", b"?a=b", b"?/../", b"?%00", b"??", b"#f")
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.10", b"http/1.1", b"")
_ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\x00\r\n")
_COLONS = (b": ", b":", b" : ", b":\t", b":\x0b", b"")
_SPACES = (b" ", b"  ", b"\t", b"\x0b")
_BEFORE = (b"", b"http://a", b"http://b:80", b"*", b"a:80", b"/")
_NAMES = (
    b"X-Forwarded-For",
    b"X_Forwarded_For",
    b"x-forwarded-for",
    b"Forwarded",
    b"X-Real-IP",
    b"Transfer-Encoding",
    b"Content-Length",
    b"Transfer_Encoding",
    b"Host",
    b"Connection",
    b"Upgrade",
    b"Expect",
    b"TE",
    b"Trailer",
    b"X",
    b"",
)
_VALUES = (
    CLAIMED,
    b"for=" + CLAIMED,
    b"chunked",
    b"Chunked",
    b"gzip, chunked",
    b"identity",
    b"0",
    b"3",
    b"+3",
    b"3, 3",
    b"99999999999999999999",
    b"a",
    b"b:80",
    b"close",
    b"keep-alive, X-Forwarded-For",
    b"h2c",
    b"100-continue",
    b"a\r\n folded",
    b"\xff",
    b"",
)
_SIZES = (b"3", b"03", b"3;x=y", b"0x3", b"-3", b" 3", b"3 ", b"4", b"2", b"FFFFFFFFFFFFFFFFF", b"")
_BENDS = (
    b"\x00",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b",",
    b"%",
    b"\x80",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"chunked",
    HIDDEN,
)


def case(random: Random) -> bytes:
    """What one connection sends; the last request asks for its end."""
    made = b"".join(_request(random) for _ in range(random.randint(1, 2)))
    for _ in range(random.choice((0, 0, 0, 1, 1, 3))):
        made = _bent(random, made)
    return made + LAST


def _request(random: Random) -> bytes:
    if random.random() < 0.1:
        return random.choice(_SEEDS)
    end, body, fields = _mostly(random, _ENDS), *_framed(random)
    lines = [_first(random), *([b"Host: a"] if random.random() < 0.97 else []), *fields]
    for _ in range(random.choice((0, 0, 1, 2))):
        lines.insert(random.randint(1, len(lines)), _field(random))
    return end.join([*lines, b"", b""]) + body


def _mostly(random: Random, choices: Sequence[bytes]) -> bytes:
    return choices[0] if random.random() < 0.9 else random.choice(choices)


def _first(random: Random) -> bytes:
    path = b"".join(b"/" + random.choice(_STEPS) for _ in range(random.choice((0, 0, 1, 1, 2))))
    target = _mostly(random, _BEFORE) + b"/echo" + path + random.choice(_QUERIES)
    method = random.choice(_METHODS[:3]) if random.random() < 0.9 else random.choice(_METHODS)
    return method + _mostly(random, _SPACES) + target + _mostly(random, _SPACES) + _mostly(random, _VERSIONS)


def _field(random: Random) -> bytes:
    return random.choice(_NAMES) + _mostly(random, _COLONS) + random.choice(_VALUES)


def _framed(random: Random) -> tuple[bytes, Sequence[bytes]]:
    """A body, and what says how long it is; a body may be a request of its own."""
    content = random.choice((b"abc", HIDDEN))
    match random.randint(0, 3):
        case 0:
            return b"", ()
        case 1:
            return content, (b"Content-Length: %d" % len(content),)
        case 2:
            return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content), (b"Transfer-Encoding: chunked",)
        case _:
            return _mostly(random, _SIZES) + b"\r\nabc\r\n0\r\n\r\n", (b"Transfer-Encoding: chunked",)


def _bent(random: Random, made: bytes) -> bytes:
    """Something put in, taken out, doubled or changed, at any place."""
    at, length = random.randrange(len(made) + 1), random.randint(1, 8)
    match random.randint(0, 3):
        case 0:
            return made[:at] + random.choice(_BENDS) + made[at:]
        case 1:
            return made[:at] + made[at + length :]
        case 2:
            return made[:at] + made[at : at + 4 * length] + made[at:]
        case _:
            return made[:at] + random.randbytes(1) + made[at + 1 :]
