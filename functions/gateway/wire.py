"""What a request's head may say: a target, fields and a framing that every reader takes for the same thing.

In: the head as the server parsed it. Out: the length of the body, or a Problem, after which the connection ends. What
passes is forwarded byte for byte, and routing, authorisation, caching and the function judge one path: its percent-
decoded segments. So a target that others could normalise, decode or cut differently is refused, never mended.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from runtime.http.problem import EXPECTATION_FAILED, HEADERS_TOO_LARGE, MALFORMED, Header, Kind, Problem

# Servers of functions take a hundred fields and say no more than 431 to others. So it is ninety of a client's own, the
# three that nginx adds, and those that a gateway adds.
MOST_FIELDS = 93

# What decides something and has one value. Of two lines the one reader takes the first, another the last, a third joins
# them: so none passes, also not where both say the same.
ONCE = frozenset(
    {
        b"access-control-request-method",
        b"authorization",
        b"content-length",
        b"content-range",
        b"content-type",
        b"expect",
        b"host",
        b"idempotency-key",
        b"if-modified-since",
        b"if-range",
        b"if-unmodified-since",
        b"origin",
        b"range",
        b"transfer-encoding",
        b"upgrade",
    }
)
# A port may be empty (RFC 3986, section 3.2.3).
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_LONGEST_HOST = 255  # bytes: what a name may have (RFC 1035, section 2.3.4)
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_HIDDEN = re.compile(rb"%(?:[01][0-9A-F]|7F|2F|5C)", re.IGNORECASE)  # controls, slash and backslash
_DOTS = frozenset({b".", b".."})
_CLOSE = (b"connection", b"close")


class Refused(Problem):
    """A head with two meanings, none or too much; what follows it on the connection is not to be read."""

    def __init__(self, detail: str, kind: Kind = MALFORMED) -> None:
        super().__init__(kind, detail, headers=[_CLOSE])


def length(target: bytes, headers: Sequence[Header]) -> int | None:
    """The body's length in bytes; None when it is chunked, 0 when there is none (RFC 9112, section 6.3).

    `target`: the path as it came, without its query. Raises Refused.
    """
    text = target.decode("latin-1")  # to look for bytes in bytes costs five times as much
    if "%" in text or "/." in text or "//" in text or "\\" in text or not text.isascii():
        _judge(target)
    if target[:1] != b"/":
        raise Refused("The target is not a path: this is no proxy, and has nothing to say about itself.")
    if len(headers) > MOST_FIELDS:
        raise Refused("The request has more than 90 header fields.", HEADERS_TOO_LARGE)
    said = dict(headers)
    if len(said) != len(headers):
        _refuse_twice(headers)
    if not _is_host(said.get(b"host", b"")):
        raise Refused("Host is missing, or is not the name of a host.")
    # One by one: to intersect sets costs more than all else here.
    if b"content-length" in said or b"transfer-encoding" in said or b"expect" in said or b"upgrade" in said:
        return _framed(said)
    return 0


def _judge(target: bytes) -> None:
    """Raises Refused unless the path has one meaning (RFC 3986, sections 2.1, 3.3 and 6.2.2)."""
    if b"//" in target or b"\\" in target:
        raise Refused("The path has an empty segment, or a backslash where a slash may be meant.")
    if _BROKEN_ESCAPE.search(target) or _HIDDEN.search(target):
        raise Refused("The path has a percent sign without two digits, or hides a control, a slash or a backslash.")
    decoded = unquote_to_bytes(target)
    if not target.isascii() or not _is_utf8(decoded):
        raise Refused("The path is not UTF-8 in percent-encoding.")
    if any(segment.partition(b";")[0] in _DOTS for segment in decoded.split(b"/")):
        raise Refused("The path has a dot segment: send it resolved.")


def _is_utf8(text: bytes) -> bool:
    """In its shortest form, which alone is UTF-8 (RFC 3629, section 3)."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_host(text: bytes) -> bool:
    return len(text) <= _LONGEST_HOST and _looks_like_host(text)


@lru_cache(maxsize=1024)
def _looks_like_host(text: bytes) -> bool:
    return _HOST.fullmatch(text) is not None


def _refuse_twice(headers: Sequence[Header]) -> None:
    """Raises Refused where a field that may be said once is said twice; others are lists (RFC 9110, section 5.3)."""
    found = [name for name, _ in headers if name in ONCE]
    if len({*found}) < len(found):
        raise Refused(f"{max(found, key=found.count).decode().title()} is said twice.")


def _framed(said: Mapping[bytes, bytes]) -> int | None:
    """The length that these fields say. Raises Refused."""
    if b"upgrade" in said:
        raise Refused("Protocols are not switched here, neither to WebSocket nor to h2c: send it without Upgrade.")
    if said.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise Refused("", EXPECTATION_FAILED)
    coding, size = said.get(b"transfer-encoding"), said.get(b"content-length")
    if size is not None and not size.isdigit():
        raise Refused("Content-Length is not a number of bytes.")
    if coding is None:
        return int(size or 0)
    if size is not None:
        raise Refused("Content-Length and Transfer-Encoding contradict each other.")
    if coding.lower() != b"chunked":
        raise Refused("A transfer coding other than chunked is not understood here.")
    return None
