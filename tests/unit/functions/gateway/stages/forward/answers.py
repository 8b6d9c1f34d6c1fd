"""Answers as instances send them, good and bad, and what each of them is to be taken for.

The bad ones are what is known to divide readers of HTTP/1.1, told in our own words: where a line ends, what frames
content, which status is one, and how much may come that is no content.
"""

from typing import NamedTuple

from functions.gateway.stages.forward.answer import HEAD_LIMIT

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = OK + b"Content-Length: 2\r\n\r\n"
LONG = b"y" * HEAD_LIMIT
PADDED = b"0" * HEAD_LIMIT


class Case(NamedTuple):
    """`content`: what is read, None for an answer that is refused. `keep`: the connection may be used again.

    `closed`: it takes the end of the connection to complete it. `short`: not even that does.
    """

    wire: bytes
    content: bytes | None = b""
    status: int = 200
    keep: bool = True
    closed: bool = False
    short: bool = False
    method: bytes = b"GET"


def refused(wire: bytes, method: bytes = b"GET") -> Case:
    return Case(wire, None, keep=False, method=method)


def once(wire: bytes, content: bytes = b"", status: int = 200, method: bytes = b"GET") -> Case:
    """A good answer after which the connection is not to be used again."""
    return Case(wire, content, status, keep=False, method=method)


def closing(wire: bytes, content: bytes = b"", status: int = 200) -> Case:
    return Case(wire, content, status, keep=False, closed=True)


def cut_short(wire: bytes, content: bytes = b"") -> Case:
    return Case(wire, content, keep=False, short=True)


def status(code: bytes) -> bytes:
    return b"HTTP/1.1 " + code + b" -\r\nContent-Length: 0\r\n\r\n"


def interim(code: int, fields: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d -\r\n%b\r\n" % (code, fields)


def framed(*fields: bytes) -> bytes:
    """An answer with these fields and two bytes, in one chunk if anybody believes in chunks."""
    return OK + b"".join(field + b"\r\n" for field in fields) + b"\r\n2\r\nhi\r\n0\r\n\r\n"


STATUS_LINES = {
    "as usual": Case(SIZED + b"hi", b"hi"),
    "without a reason": Case(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
    "without a space for a reason": Case(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    "a reason beyond ascii": Case(b"HTTP/1.1 200 Tr\xc3\xa8s bien\r\nContent-Length: 0\r\n\r\n"),
    "1.0 without keep-alive": once(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "1.0 with keep-alive": Case(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    **{
        f"1.0 with {said!r}": once(
            b"HTTP/1.0 200 OK\r\nConnection: " + said + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi"
        )
        for said in (b"keep-alive, close", b"close, keep-alive", b"Close\r\nConnection: Keep-Alive", b"keep-alivex")
    },
    "1.0 with keep-alive, then close": once(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX: y\r\nConnection: x,close\r\nContent-Length: 0\r\n\r\n"
    ),
    "1.0 with keep-alive before 1.1": Case(b"HTTP/1.0 100 -\r\nConnection: keep-alive\r\n\r\n" + SIZED + b"hi", b"hi"),
    "1.0 with large content and both": once(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: %d\r\n\r\n" % len(LONG) + LONG, LONG
    ),
    "1.0 until it closes": closing(b"HTTP/1.0 200 OK\r\n\r\nhi", b"hi"),
    "1.0 in chunks": refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    "1.0 in chunks and kept": refused(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "0.9": refused(b"<html>hello</html>"),
    "0.9 by its number": refused(b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "1.2": refused(b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "1.10": refused(b"HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "2.0": refused(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "2": refused(b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "the preface of http/2": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a frame of http/2": refused(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"),
    "an alert of tls": refused(b"\x15\x03\x01\x00\x02\x02\x28"),
    "rtsp": refused(b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "ice": refused(b"ICE/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "icy": refused(b"ICY 200 OK\r\n\r\n"),
    "in lower case": refused(b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a request": refused(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "ssh": refused(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "an empty line first": refused(b"\r\n" + SIZED + b"hi"),
    "an empty bare line first": refused(b"\n" + SIZED + b"hi"),
    "a space first": refused(b" " + SIZED + b"hi"),
    "two spaces": refused(b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a tab": refused(b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n"),
    "no space before the reason": refused(b"HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n"),
    "no status": refused(b"HTTP/1.1 \r\nContent-Length: 0\r\n\r\n"),
    "no status and no space": refused(b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    "words for a status": refused(status(b"twohundred")),
    "a bare line feed": refused(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    "a bare carriage return": refused(b"HTTP/1.1 200 OK\rContent-Length: 0\r\r"),
    "a bare carriage return in the reason": refused(b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"),
    "a giant reason": refused(b"HTTP/1.1 200 " + LONG + b"\r\nContent-Length: 0\r\n\r\n"),
    "nothing but half a line": cut_short(b"HTTP/1.1 2"),
}

STATUSES = {
    **{f"{code}": Case(status(b"%d" % code), status=code) for code in (200, 206, 299, 301, 404, 421, 500, 511, 599)},
    **{f"{code!r}": refused(status(code)) for code in (b"0", b"20", b"000", b"042", b"099", b"2000", b"20x", b"-20")},
    **{f"{code}": refused(status(b"%d" % code)) for code in (600, 601, 700, 799, 800, 999, 1000)},
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    "204 of no length": Case(b"HTTP/1.1 204 -\r\nContent-Length: 000\r\n\r\n", status=204),
    "204 that announces content": once(b"HTTP/1.1 204 -\r\nContent-Length: 5\r\n\r\n", status=204),
    "204 that announces chunks": once(b"HTTP/1.1 204 -\r\nTransfer-Encoding: chunked\r\n\r\n", status=204),
    "204 that announces another coding": once(b"HTTP/1.1 204 -\r\nTransfer-Encoding: gzip\r\n\r\n", status=204),
    "204 that announces content, of 1.0": once(
        b"HTTP/1.0 204 -\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", status=204
    ),
    "204 after an interim one that announces content": once(
        interim(103) + b"HTTP/1.1 204 -\r\nContent-Length: 5\r\n\r\n", status=204
    ),
    "304 that announces chunks": once(b"HTTP/1.1 304 -\r\nTransfer-Encoding: chunked\r\n\r\n", status=304),
    "204 with content": once(b"HTTP/1.1 204 -\r\nContent-Length: 5\r\n\r\nhello", status=204),
    "204 with an end of chunks": once(b"HTTP/1.1 204 -\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status=204),
    "204 and an empty line": once(b"HTTP/1.1 204 -\r\n\r\n\r\n", status=204),
    "304": Case(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', status=304),
    "304 that announces content": Case(b"HTTP/1.1 304 -\r\nContent-Length: 5\r\n\r\n", status=304),
    "304 with content": once(b"HTTP/1.1 304 -\r\nContent-Length: 5\r\n\r\nhello", status=304),
    "304 and another answer": once(b"HTTP/1.1 304 -\r\n\r\n" + SIZED + b"hi", status=304),
    "205 with content": Case(b"HTTP/1.1 205 -\r\nContent-Length: 2\r\n\r\nhi", b"hi", 205),
}

INTERIM = {
    **{f"{code}": Case(interim(code) + SIZED + b"hi", b"hi") for code in (100, 102, 103, 104, 110, 150, 199)},
    "with fields": Case(interim(103, b"Link: </a>\r\n") + SIZED + b"hi", b"hi"),
    "with a field that is none of the answer's": Case(interim(104, b"Content-Type: x\r\n") + SIZED + b"hi", b"hi"),
    "several": Case(interim(100) + interim(103, b"Link: </a>\r\n") * 9 + interim(199) + SIZED + b"hi", b"hi"),
    "before an answer that has no content": Case(interim(103) + b"HTTP/1.1 204 -\r\n\r\n", status=204),
    "before an answer in chunks": Case(interim(103) + CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi"),
    "that closes": refused(interim(103, b"Connection: close\r\n") + SIZED + b"hi"),
    "that announces content it can't have": Case(interim(100, b"Content-Length: 0\r\n") + SIZED + b"hi", b"hi"),
    "unknown, and frames content": refused(interim(104, b"Content-Length: 2\r\n") + b"hi" + SIZED + b"hi"),
    "unknown, in chunks": refused(interim(199, b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n" + SIZED + b"hi"),
    "101": refused(b"HTTP/1.1 101 -\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "101 without a protocol": refused(interim(101) + SIZED + b"hi"),
    "101 after another": refused(interim(100) + interim(101) + SIZED + b"hi"),
    "alone": cut_short(interim(103)),
    "many": refused(interim(100) * (HEAD_LIMIT // 10)),
    "many, then an answer": refused(interim(100) * (HEAD_LIMIT // 10) + SIZED + b"hi"),
    "before another protocol": refused(interim(103) + b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "before a later version": refused(interim(103) + b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "before a status that is none": refused(interim(103) + status(b"600")),
    "before an empty line": refused(interim(103) + b"\r\n" + SIZED + b"hi"),
    "before rubbish": refused(interim(103) + b"hello"),
    "in another protocol": refused(b"RTSP/1.0 100 Continue\r\n\r\n" + SIZED + b"hi"),
    "asked for by head": Case(interim(103) + OK + b"Content-Length: 2\r\n\r\n", method=b"HEAD"),
}

FIELDS = {
    "none": closing(OK + b"\r\nhi", b"hi"),
    "an empty value": Case(OK + b"X:\r\nContent-Length: 0\r\n\r\n"),
    "an empty value last": Case(OK + b"Content-Length: 0\r\nX:\r\n\r\n"),
    "white space round a value": Case(OK + b"X: \t a b \t \r\nContent-Length: \t 2 \t\r\n\r\nhi", b"hi"),
    "a value of white space": Case(OK + b"X:   \t\r\nContent-Length: 0\r\n\r\n"),
    "a value beyond ascii": Case(OK + b"X: \xc3\xa9\xff\r\nContent-Length: 0\r\n\r\n"),
    "a colon in a value": Case(OK + b"X: a: b:c\r\nContent-Length: 0\r\n\r\n"),
    "said twice": Case(OK + b"X: a\r\nX: b\r\nContent-Length: 0\r\n\r\n"),
    "folded": refused(OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    "folded by a tab": refused(OK + b"X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n"),
    "folded at once": refused(OK + b" X: a\r\nContent-Length: 0\r\n\r\n"),
    "folded after an empty value": refused(OK + b"X:\r\n a\r\nContent-Length: 0\r\n\r\n"),
    "folded framing": refused(OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    "folded at the end": refused(OK + b"Content-Length: 0\r\n \r\n\r\n"),
    "a space before the colon": refused(OK + b"X : a\r\nContent-Length: 0\r\n\r\n"),
    "a tab before the colon": refused(OK + b"X\t: a\r\nContent-Length: 0\r\n\r\n"),
    "a space before framing's colon": refused(framed(b"Transfer-Encoding : chunked")),
    "a space in a name": refused(OK + b"X Y: a\r\nContent-Length: 0\r\n\r\n"),
    "a name beyond ascii": refused(OK + b"X\xe9: a\r\nContent-Length: 0\r\n\r\n"),
    "a name with a nul": refused(OK + b"X\0: a\r\nContent-Length: 0\r\n\r\n"),
    "a name in brackets": refused(OK + b"[X]: a\r\nContent-Length: 0\r\n\r\n"),
    "no name": refused(OK + b": a\r\nContent-Length: 0\r\n\r\n"),
    "no colon": refused(OK + b"X\r\nContent-Length: 0\r\n\r\n"),
    "a nul in a value": refused(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
    "a bare carriage return in a value": refused(OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n"),
    "a bare carriage return after a value": refused(OK + b"X: a\r\r\nContent-Length: 0\r\n\r\n"),
    "a bare line feed after a value": refused(OK + b"X: a\nContent-Length: 0\r\n\r\n"),
    "a bare line feed at the end": refused(OK + b"Content-Length: 2\r\n\nhi"),
    "bare line feeds": refused(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"),
    "an answer hidden by line feeds": refused(OK + b"X: a\n\nHTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
}

FRAMING = {
    "the same length twice": refused(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"),
    "two lengths": refused(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"),
    "two lengths in one line": refused(OK + b"Content-Length: 2, 3\r\n\r\nhi!"),
    "the same length twice in one line": refused(OK + b"Content-Length: 2, 2\r\n\r\nhi"),
    "an empty length": refused(OK + b"Content-Length:\r\n\r\n"),
    "a length of white space": refused(OK + b"Content-Length:  \r\n\r\n"),
    "a length below nothing": refused(OK + b"Content-Length: -1\r\n\r\n"),
    "a length with a sign": refused(OK + b"Content-Length: +2\r\n\r\nhi"),
    "a length in hexadecimal": refused(OK + b"Content-Length: 0x2\r\n\r\nhi"),
    "a length with an underscore": refused(OK + b"Content-Length: 1_0\r\n\r\n0123456789"),
    "a length in two words": refused(OK + b"Content-Length: 2 2\r\n\r\nhi"),
    "a length with a point": refused(OK + b"Content-Length: 2.0\r\n\r\nhi"),
    "a length of other digits": refused(OK + b"Content-Length: \xd9\xa2\r\n\r\nhi"),
    "a length that none can have": refused(OK + b"Content-Length: %d\r\n\r\nhi" % 10**30),
    **{
        f"a length above 63 bits, {name}": refused(OK + b"Content-Length: %b\r\n\r\n%b" % (said, come), method)
        for name, said, come, method in (
            ("just", b"%d" % 2**63, b"hi", b"GET"),
            ("far", b"%d" % (2**64 - 1), b"hi", b"GET"),
            ("without content yet", b"%d" % 2**63, b"", b"GET"),
            ("with zeros", b"0" * 5000 + b"%d" % 2**63, b"hi", b"GET"),
            ("to head", b"%d" % 2**63, b"", b"HEAD"),
        )
    },
    "a length of 63 bits": cut_short(OK + b"Content-Length: %d\r\n\r\nhi" % (2**63 - 1), b"hi"),
    "a length with thousands of zeros": Case(OK + b"Content-Length: %b2\r\n\r\nhi" % (b"0" * 5000), b"hi"),
    "a length with zeros, to head": Case(OK + b"Content-Length: %b2\r\n\r\n" % (b"0" * 5000), method=b"HEAD"),
    "a length that is long": cut_short(OK + b"Content-Length: %d\r\n\r\nhi" % 10**15, b"hi"),
    "a length with zeros": Case(OK + b"Content-Length: 0002\r\n\r\nhi", b"hi"),
    "a length that is not reached": cut_short(OK + b"Content-Length: 5\r\n\r\nhi", b"hi"),
    "a length, then chunks": refused(framed(b"Content-Length: 2", b"Transfer-Encoding: chunked")),
    "chunks, then a length": refused(framed(b"Transfer-Encoding: chunked", b"Content-Length: 2")),
    "a length of nothing, then chunks": refused(framed(b"Content-Length: 0", b"Transfer-Encoding: chunked")),
    "a length and a coding": refused(framed(b"Content-Length: 2", b"Transfer-Encoding: gzip")),
    "a length and no coding": refused(framed(b"Content-Length: 2", b"Transfer-Encoding: identity")),
    "chunks in any case": Case(framed(b"tRANSFER-eNCODING: \t ChUnKeD  "), b"hi"),
    "chunks with a tab behind them": refused(framed(b"Transfer-Encoding: chunked\t")),
    "chunks with a tab and a space behind them": refused(framed(b"Transfer-Encoding: chunked\t ")),
    **{
        f"coding {coding!r}": refused(framed(b"Transfer-Encoding: " + coding))
        for coding in (
            b"",
            b"gzip",
            b"identity",
            b"gzip, chunked",
            b"gzip,chunked",
            b"chunked, gzip",
            b"chunked, chunked",
            b"chunked, identity",
            b"identity, chunked",
            b", chunked",
            b"chunked,",
            b"xchunked",
            b"chunkedx",
            b"x chunked",
            b"chunked x",
            b'"chunked"',
            b"'chunked'",
            b"chunked;q=1",
            b"chunked\x0b",
            b"\x0bchunked",
            b"chunk",
            b"cow",
        )
    },
    **{
        f"codings {' and '.join(said.decode() for said in codings)}": refused(
            framed(*(b"Transfer-Encoding: " + coding for coding in codings))
        )
        for codings in (
            (b"chunked", b"chunked"),
            (b"gzip", b"chunked"),
            (b"chunked", b"gzip"),
            (b"identity", b"chunked"),
            (b"chunked", b"identity"),
            (b"", b"chunked"),
            (b"chunked", b""),
        )
    },
    "until it closes": closing(OK + b"Connection: close\r\n\r\nhi", b"hi"),
    "until it closes, with line ends": closing(OK + b"\r\nhi\r\n\r\n", b"hi\r\n\r\n"),
    "a length and close": once(OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    **{
        f"connection {said!r}": once(OK + b"Connection:" + said + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi")
        for said in (b"close", b"\tclose\t", b" Close ", b" x,close", b" x , close\t", b" x\r\nConnection: close")
    },
    "keep-alive and close": once(OK + b"Connection: keep-alive, close\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "chunks and close": once(
        OK + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"hi"
    ),
}

CHUNKS = {
    "none": Case(CHUNKED + b"0\r\n\r\n"),
    "two": Case(CHUNKED + b"2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n", b"hi yo"),
    "of line ends": Case(CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "in upper case": Case(CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "padded with zeros": Case(CHUNKED + b"00000002\r\nhi\r\n0000\r\n\r\n", b"hi"),
    "an extension": Case(CHUNKED + b"2;a=b\r\nhi\r\n0\r\n\r\n", b"hi"),
    "a quoted extension": Case(CHUNKED + b'2;a="b;c"\r\nhi\r\n0;last\r\n\r\n', b"hi"),
    "trailers": Case(CHUNKED + b"2\r\nhi\r\n0\r\nX: y\r\nZ:\r\n\r\n", b"hi"),
    "not all": cut_short(CHUNKED + b"2\r\nhi\r\n5\r\nhel", b"hihel"),
    "no end of trailers": cut_short(CHUNKED + b"2\r\nhi\r\n0\r\n", b"hi"),
    "no size": refused(CHUNKED + b"\r\nhi\r\n0\r\n\r\n"),
    "words for a size": refused(CHUNKED + b"zz\r\nhi\r\n0\r\n\r\n"),
    "a size below nothing": refused(CHUNKED + b"-2\r\nhi\r\n0\r\n\r\n"),
    "a size with a sign": refused(CHUNKED + b"+2\r\nhi\r\n0\r\n\r\n"),
    "a size with 0x": refused(CHUNKED + b"0x2\r\nhi\r\n0\r\n\r\n"),
    "a space before the size": refused(CHUNKED + b" 2\r\nhi\r\n0\r\n\r\n"),
    "a space after the size": refused(CHUNKED + b"2 \r\nhi\r\n0\r\n\r\n"),
    "a size that none can have": refused(CHUNKED + b"1%b\r\nhi\r\n" % (b"0" * 16)),
    "a size that is huge": cut_short(CHUNKED + b"7%b\r\nhi\r\n" % (b"f" * 15), b"hi\r\n"),
    "longer than it says": refused(CHUNKED + b"2\r\nhi!\r\n0\r\n\r\n"),
    "shorter than it says": refused(CHUNKED + b"5\r\nhi\r\n0\r\n\r\n"),
    "no line end after it": refused(CHUNKED + b"2\r\nhi0\r\n\r\n"),
    "bare line feeds": refused(CHUNKED + b"2\nhi\n0\n\n"),
    "a bare line feed after the size": refused(CHUNKED + b"2\nhi\r\n0\r\n\r\n"),
    "a bare line feed after it": refused(CHUNKED + b"2\r\nhi\n0\r\n\r\n"),
    "a bare line feed in an extension": refused(CHUNKED + b"2;a\nb\r\nhi\r\n0\r\n\r\n"),
    "a bare carriage return in an extension": refused(CHUNKED + b"2;a\rb\r\nhi\r\n0\r\n\r\n"),
    "a nul in an extension": refused(CHUNKED + b"2;a\0b\r\nhi\r\n0\r\n\r\n"),
    "an answer behind the last": once(CHUNKED + b"0\r\n\r\n" + SIZED + b"hi"),
    "a folded trailer": refused(CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n"),
    "a trailer with a nul": refused(CHUNKED + b"0\r\nX: a\0\r\n\r\n"),
    "a trailer without a colon": refused(CHUNKED + b"0\r\nX\r\n\r\n"),
    "a length for a trailer": refused(CHUNKED + b"0\r\nContent-Length: 2\r\n\r\nhi"),
}

AFTERWARDS = {
    f"{extra!r} after {name}": once(wire + extra, content)
    for name, wire, content in (
        ("content", SIZED + b"hi", b"hi"),
        ("content that ends a line", SIZED + b"\r\n", b"\r\n"),
        ("no content", OK + b"Content-Length: 0\r\n\r\n", b""),
        ("chunks", CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi"),
        ("chunks and a trailer", CHUNKED + b"2\r\nhi\r\n0\r\nX: y\r\n\r\n", b"hi"),
    )
    for extra in (
        b"x",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n" * 99,
        b"\0",
        b"HTTP/1.1 200 OK\r\n\r\n",
        SIZED + b"no",
    )
}

HEADS = {
    "with a length": Case(SIZED, method=b"HEAD"),
    "with no length": once(OK + b"\r\n", method=b"HEAD"),
    "with chunks": once(CHUNKED, method=b"HEAD"),
    "with chunks that come": once(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", method=b"HEAD"),
    "with content": once(SIZED + b"hi", method=b"HEAD"),
    "with content that is a line end": once(SIZED + b"\r\n", method=b"HEAD"),
    "with a line end": once(OK + b"Content-Length: 0\r\n\r\n\r\n", method=b"HEAD"),
    "with another answer": once(SIZED + SIZED, method=b"HEAD"),
    "with two lengths": refused(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n", method=b"HEAD"),
    "with a length and chunks": refused(framed(b"Content-Length: 2", b"Transfer-Encoding: chunked"), method=b"HEAD"),
    "with a coding": refused(framed(b"Transfer-Encoding: gzip, chunked"), method=b"HEAD"),
    "with another coding": refused(OK + b"Transfer-Encoding: gzip\r\n\r\n", method=b"HEAD"),
    "304 without a length": once(b"HTTP/1.1 304 -\r\n\r\n", status=304, method=b"HEAD"),
    "204": once(b"HTTP/1.1 204 -\r\n\r\n", status=204, method=b"HEAD"),
    "a giant": refused(OK + b"X: " + LONG + b"\r\nContent-Length: 2\r\n\r\n", method=b"HEAD"),
}

SIZES = {
    "a head just below the limit": Case(
        OK + b"X: " + b"y" * (HEAD_LIMIT - len(SIZED) - 5) + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi"
    ),
    "a head just above it": refused(
        OK + b"X: " + b"y" * (HEAD_LIMIT - len(SIZED) - 4) + b"\r\nContent-Length: 2\r\n\r\nhi"
    ),
    "a head of one field": refused(OK + b"X: " + LONG + b"\r\nContent-Length: 2\r\n\r\nhi"),
    "a head of one name": refused(OK + LONG + b": y\r\nContent-Length: 2\r\n\r\nhi"),
    "a head of many fields": refused(OK + b"X: y\r\n" * (HEAD_LIMIT // 6) + b"Content-Length: 2\r\n\r\nhi"),
    "a head of many cookies": refused(OK + (b"Set-Cookie: %b\r\n" % (b"c" * 4000)) * 25 + b"Content-Length: 0\r\n\r\n"),
    "a head of white space": refused(OK + b"X: " + b" " * HEAD_LIMIT + b"y\r\nContent-Length: 2\r\n\r\nhi"),
    "a head of empty lines": refused(b"\r\n" * HEAD_LIMIT),
    "a head in chunks": refused(OK + b"X: " + LONG + b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    "a head without content": refused(b"HTTP/1.1 204 -\r\nX: " + LONG + b"\r\n\r\n"),
    "a head and an interim one": refused(
        interim(103, b"Link: %b\r\n" % (b"y" * (HEAD_LIMIT // 2))) * 2 + b"HTTP/1.1 204 -\r\n\r\n"
    ),
    "large content": Case(OK + b"Content-Length: %d\r\n\r\n" % (2 * HEAD_LIMIT) + LONG + LONG, LONG + LONG),
    "large content of line ends": Case(
        OK + b"Content-Length: %d\r\n\r\n" % (2 * HEAD_LIMIT) + b"\r\n" * HEAD_LIMIT, b"\r\n" * HEAD_LIMIT
    ),
    "large content until it closes": closing(OK + b"\r\n" + LONG + LONG, LONG + LONG),
    "a large chunk": Case(CHUNKED + b"%x\r\n" % (2 * HEAD_LIMIT) + LONG + LONG + b"\r\n0\r\n\r\n", LONG + LONG),
    "small chunks, many": Case(CHUNKED + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n", b"x" * 30_000),
    "small padded chunks, many": Case(CHUNKED + b"00000001\r\nx\r\n" * 10_000 + b"0\r\n\r\n", b"x" * 10_000),
    "an extension": refused(CHUNKED + b"2;" + LONG + b"\r\nhi\r\n0\r\n\r\n"),
    "an extension of the last": refused(CHUNKED + b"2\r\nhi\r\n0;" + LONG + b"\r\n\r\n"),
    "an extension between much content": refused(
        CHUNKED + b"4000\r\n%b\r\n2;" % (b"z" * 0x4000) + LONG + b"\r\nhi\r\n" + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    ),
    "extensions": refused(CHUNKED + (b"2;%b\r\nhi\r\n" % (b"e" * 100)) * (HEAD_LIMIT // 90) + b"0\r\n\r\n"),
    "a size of zeros": refused(CHUNKED + PADDED + b"2\r\nhi\r\n0\r\n\r\n"),
    "a trailer": refused(CHUNKED + b"2\r\nhi\r\n0\r\nX: " + LONG + b"\r\n\r\n"),
    "trailers": refused(CHUNKED + b"2\r\nhi\r\n0\r\n" + b"X: y\r\n" * (HEAD_LIMIT // 6) + b"\r\n"),
    "a trailer behind many chunks": refused(CHUNKED + b"1\r\nx\r\n" * 20_000 + b"0\r\nX: " + LONG + b"\r\n\r\n"),
    "trailers behind many chunks": refused(
        CHUNKED + b"1\r\nx\r\n" * 20_000 + b"0\r\n" + b"X: y\r\n" * HEAD_LIMIT + b"\r\n"
    ),
}

GROUPS = {
    "status line": STATUS_LINES,
    "status": STATUSES,
    "interim": INTERIM,
    "fields": FIELDS,
    "framing": FRAMING,
    "chunks": CHUNKS,
    "afterwards": AFTERWARDS,
    "head": HEADS,
    "size": SIZES,
}
CASES = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}
