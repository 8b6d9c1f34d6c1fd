"""What is sent to have two readers find two things in one stream of bytes: each ends with a hidden request."""

from collections.abc import Iterator

# Whoever takes this for a request of its own asks the function for it.
HIDDEN = b"GET /echo/smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_ENDED = b"0\r\n\r\n"


def refused() -> Iterator[tuple[str, bytes]]:
    """Each must be answered with a 4xx (or not at all), and end its connection."""
    yield from _named("length", _lengths())
    yield from _named("coding", _codings())
    yield from _named("chunk", _chunks())
    yield from _named("field", _fields())
    yield from _named("line", _lines())
    yield from _named("host", _hosts())
    yield from _named("upgrade", _upgrades())
    yield from _named("path", (b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN for path in _PATHS))


def meant() -> Iterator[tuple[str, bytes]]:
    """Each has one meaning by RFC 9112, if an odd look: the function sees a body of three bytes, and no trailer."""
    bodies = (
        b"003\r\nabc\r\n0\r\n\r\n",
        b"3;ext=1\r\nabc\r\n0\r\n\r\n",
        b'3;ext="a;b"\r\nabc\r\n0\r\n\r\n',
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nX-Trailer: 1\r\nHost: b\r\n\r\n",
    )
    yield from _named("chunk", [_CHUNKED + body for body in bodies])
    yield from _named("length", [_POST + b"Content-Length:3\r\n\r\nabc"])
    yield from _named("expect", [_POST + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc"])
    for first in (b"POST http://a/echo HTTP/1.1", b"\r\nPOST /echo HTTP/1.1"):
        yield from _named("line", [first + b"\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"])


def _named(kind: str, requests: "Iterator[bytes] | list[bytes]") -> Iterator[tuple[str, bytes]]:
    for request in requests:
        yield f"{kind}: {request[:120]!r}", request


def _lengths() -> Iterator[bytes]:
    hidden = len(HIDDEN)
    for value in (
        b"+3",
        b"-1",
        b"0x3",
        b"3, 3",
        b"3,",
        b"3 3",
        b"3_0",
        b"3.0",
        b"",
        b"\xb3",
        b"9" * 30,
        b"3;a",
        b"\x0b3",
    ):
        yield _POST + b"Content-Length: " + value + b"\r\n\r\nabc" + HIDDEN
    for first, second in ((b"0", b"%d" % hidden), (b"%d" % hidden, b"0")):
        yield _POST + b"Content-Length: " + first + b"\r\nContent-Length: " + second + b"\r\n\r\n" + HIDDEN
    yield _POST + b"Content-Length : 3\r\n\r\nabc" + HIDDEN
    yield _POST + b"Content-Length: 3\r\ncontent-length: 4\r\n\r\nabc" + HIDDEN


def _codings() -> Iterator[bytes]:
    for value in (
        b"xchunked",
        b"chunked, identity",
        b"identity, chunked",
        b"gzip, chunked",
        b"chunked, chunked",
        b"identity",
        b"chunked;q=1",
        b'"chunked"',
        b"chunked,",
        b"\x0bchunked",
        b"chunked\x00",
        b"\xefchunked",
        b"",
        b"chunked chunked",
        b"chunked\r\n foo",
        b"\r\n chunked",
    ):
        yield _POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + _ENDED + HIDDEN
    yield _POST + b"Transfer-Encoding : chunked\r\n\r\n" + _ENDED + HIDDEN
    yield _POST + b"Transfer-Encoding\r\n: chunked\r\n\r\n" + _ENDED + HIDDEN
    yield _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + _ENDED + HIDDEN
    yield _POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + _ENDED + HIDDEN


def _chunks() -> Iterator[bytes]:
    for size in (b"0x3", b"+3", b"-1", b"3 3", b"g", b"", b"F" * 17, b"1" + b"0" * 16, b"3\x00", b"3\x0b"):
        yield _CHUNKED + size + b"\r\nabc\r\n" + _ENDED + HIDDEN
    yield _CHUNKED + b"3\nabc\n0\n\n" + HIDDEN
    yield _CHUNKED + b"3\r\nabcd\r\n" + _ENDED + HIDDEN
    yield _CHUNKED + b"3\r\nabc" + _ENDED + HIDDEN
    yield _CHUNKED + b"3;" + b"x" * 200_000 + b"\r\nabc\r\n" + _ENDED + HIDDEN
    yield _CHUNKED + b"3;a\nb\r\nabc\r\n" + _ENDED + HIDDEN
    yield _CHUNKED + b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n" + HIDDEN


def _fields() -> Iterator[bytes]:
    for line in (
        b"X: a\r\n folded",
        b"X: a\r\n\tfolded",
        b"X: a\rb",
        b"X: a\x00b",
        b"X\x00: a",
        b": a",
        b"no colon",
        b"X Y: a",
        b"X : a",
        b"X\t: a",
        b"\x01X: a",
        b"X\xe9: a",
        b" X: a",
        b"X(: a",
    ):
        yield b"GET /echo HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n" + HIDDEN
    yield b"GET /echo HTTP/1.1\r\n X: folded\r\nHost: a\r\n\r\n" + HIDDEN


def _lines() -> Iterator[bytes]:
    rest = b"\r\nHost: a\r\n\r\n" + HIDDEN
    for line in (
        b"GET  /echo HTTP/1.1",
        b"GET\t/echo HTTP/1.1",
        b"GET /echo  HTTP/1.1",
        b"GET /echo HTTP/1.1 x",
        b"GET /echo",
        b"GET /ec ho HTTP/1.1",
        b"GET /echo HTTP/2.0",
        b"GET /echo HTTP/1.2.3",
        b"GET /echo http/1.1",
        b"GET /echo HTTP/11",
        b"GET /echo\x00 HTTP/1.1",
        b"GET /echo\x7f HTTP/1.1",
        b"GET a:80 HTTP/1.1",
        b"CONNECT a:80 HTTP/1.1",
        b"G(T /echo HTTP/1.1",
        b" GET /echo HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET echo HTTP/1.1",
        b"GET //a/echo HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
    ):
        yield line + rest
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN


def _hosts() -> Iterator[bytes]:
    for host in (
        b"Host: a\r\nHost: a",
        b"Host: a\r\nHost: b",
        b"Host: a, b",
        b"Host: a/b",
        b"Host: u@a",
        b"Host: a b",
        b"Host: a:x",
        b"X: a",
        b"Host:",
        b"Host : a",
        b"Host: a\x00",
        b"Host: [::1",
    ):
        yield b"GET /echo HTTP/1.1\r\n" + host + b"\r\n\r\n" + HIDDEN


def _upgrades() -> Iterator[bytes]:
    """To what nobody here speaks: whoever believed in it would take the rest for that (RFC 9113, section 3.1)."""
    for said in (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YWJjZA==",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        b"Upgrade: TLS/1.2\r\nConnection: Upgrade",
        b"Expect: 200-ok",
    ):
        yield b"GET /echo HTTP/1.1\r\nHost: a\r\n" + said + b"\r\n\r\n" + HIDDEN


_PATHS = (
    b"/echo/..",
    b"/../echo",
    b"/echo/../echo",
    b"/echo/./a",
    b"/echo/%2e%2e/echo",
    b"/echo/%2E./a",
    b"/echo/..;/a",
    b"/echo/%2fa",
    b"/echo/%2Fa",
    b"/echo//a",
    b"//echo",
    b"/echo/%5ca",
    b"/echo\\a",
    b"/echo/%00",
    b"/echo/%0a",
    b"/echo/%c0%ae%c0%ae",
    b"/echo/%e0%80%af",
    b"/echo/%ed%a0%80",
    b"/echo/%ff",
    b"/echo/\xc3\xa9",
    b"/echo/%",
    b"/echo/%zz",
)
