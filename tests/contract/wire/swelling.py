"""Bodies and heads that cost more than they are long, where somebody is careless: each in a size that the caller names.

In: bodies as they should be, sizes in bytes, a source of random choices. Out: bytes, each with a word for what it does:
what is nested, said twice, wrong in many small ways, long where others are short, or read anew from each of its bytes.
It opens no socket and judges nothing.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Named = tuple[str, bytes]

LINE = 15_000  # bytes of a field: nginx takes 16 KiB
DEEP = 60  # no deeper than anybody takes, so that what is in there is looked at

# What stands for a value: filled up to so many bytes. The letters are some that grow when they are folded.
VALUES: dict[str, Callable[[int], bytes]] = {
    "lists in lists": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "objects in objects": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "a member twice, deep down": lambda size: _nested(b'"a":1,"a":1', b"a" * (size // DEEP)),
    "members twice, everywhere": lambda size: _each_twice(size),  # noqa: PLW0108  it is defined below
    "members": lambda size: b"{" + b",".join(b'"%d":0' % number for number in range(size // 9)) + b"}",
    "members, each twice": lambda size: b"{" + b",".join(b'"%d":0' % (n // 2) for n in range(size // 9)) + b"}",
    "a long member": lambda size: b'{"' + b"a" * size + b'":1}',
    "a long member twice": lambda size: b'{"' + b"a" * (size // 2) + b'":1,"' + b"a" * (size // 2) + b'":1}',
    "escaped members": lambda size: _nested(b'"a":1', b"~/" * (size // DEEP // 2)),
    "empty objects": lambda size: b"[" + b",".join([b"{}"] * (size // 3)) + b"]",
    "empty lists": lambda size: b"[" + b",".join([b"[]"] * (size // 3)) + b"]",
    "empty texts": lambda size: b"[" + b",".join([b'""'] * (size // 3)) + b"]",
    "nothings": lambda size: b"[" + b",".join([b"null"] * (size // 5)) + b"]",
    "wrong objects": lambda size: b"[" + b",".join([b'{"sku":1,"no":1}'] * (size // 17)) + b"]",
    "a long number": lambda size: b"1" * size,
    "a long fraction": lambda size: b"0." + b"1" * size,
    "a long exponent": lambda size: b"1e" + b"9" * size,
    "numbers": lambda size: b"[" + b",".join([b"1e5", b"-0.0", b"3.7e9"] * (size // 15)) + b"]",
    "a long text": lambda size: b'"' + b"a" * size + b'"',
    "escapes": lambda size: b'"' + b"\\u0000" * (size // 6) + b'"',
    "halves of characters": lambda size: b'"' + b"\\ud800" * (size // 6) + b'"',
    "quotes": lambda size: b'"' + b'\\"' * (size // 2) + b'"',
    "a text without an end": lambda size: b'"' + b'\\\\"' * (size // 3),
    "backslashes": lambda size: b'"' + b"\\" * size,
    "letters that grow": lambda size: b'"' + "\ufdfa".encode() * (size // 3) + b'"',
    "marks on a letter": lambda size: b'"a' + "\u0323\u0301".encode() * (size // 4) + b'"',
    "a long address": lambda size: b'"a@' + b"a." * (size // 2) + b'a"',
    "a wide address": lambda size: b'"a@' + "\uff41".encode() * (size // 3) + b'.org"',
    "spaces": lambda size: b" " * size + b"1",
    "no JSON": lambda size: b"NaN," * (size // 4),
    "no UTF-8": lambda size: b'"' + b"\xff" * size + b'"',
    "no end": lambda size: b'{"a":[' * (size // 6),
}

# What stands for the value of a field.
LINES: dict[str, Callable[[int], bytes]] = {
    "spaces": lambda size: b"a" + b" " * size + b"b",
    "tabs": lambda size: b"a" + b"\t" * size + b"b",
    "spaces and commas": lambda size: b"a" + b" ," * (size // 2) + b"b",
    "spaces and semicolons": lambda size: b"a" + b" ;" * (size // 2) + b"b",
    "commas": lambda size: b"," * size,
    "quotes": lambda size: b'"' * size,
    "backslashes": lambda size: b'"' + b"\\" * size,
    "a quote without an end": lambda size: b'"' + b"a," * (size // 2),
    "semicolons": lambda size: b"a" + b";" * size,
    "equals": lambda size: b"a" + b"=" * size,
    "dots": lambda size: b"." * size,
    "slashes": lambda size: b"/" * size,
    "brackets": lambda size: b"[" * size,
    "digits": lambda size: b"1" * size,
    "letters": lambda size: b"A" * size,
    "members": lambda size: b",".join(b"%x" % number for number in range(size // 6)),
    "tags": lambda size: b",".join(b'"%x"' % number for number in range(size // 8)),
    "weak tags": lambda size: b"W/" * (size // 2),
    "ranges": lambda size: b"bytes=" + b",".join(b"%d-" % number for number in range(size // 8)),
    "preferences": lambda size: b",".join(b"a%d;q=0.%d" % (number, number % 10) for number in range(size // 12)),
    "directives": lambda size: b", ".join(b"max-age=%d" % number for number in range(size // 16)),
    "cookies": lambda size: b"; ".join(b"c%d=v" % number for number in range(size // 10)),
    "a token": lambda size: b"Bearer " + b"e30." * (size // 4),
    "a token far away": lambda size: b"Bearer" + b" " * size + b"x",
    "a key": lambda size: b"Bearer portico_" + b"a" * size,
}

FIELDS = (
    *(b"Accept", b"Accept-Charset", b"Accept-Encoding", b"Accept-Language", b"Access-Control-Request-Headers"),
    *(
        b"Access-Control-Request-Method",
        b"Authorization",
        b"Cache-Control",
        b"CDN-Loop",
        b"Connection",
        b"Content-Type",
    ),
    *(b"Cookie", b"Host", b"Idempotency-Key", b"If-Match", b"If-Modified-Since", b"If-None-Match", b"If-Range"),
    *(b"If-Unmodified-Since", b"Origin", b"Pragma", b"Range", b"Referer", b"TE", b"Traceparent", b"Tracestate"),
    *(b"User-Agent", b"X", b"X-Forwarded-For", b"X-Request-Id"),
)


# What stands for a query.
QUERIES: dict[str, Callable[[int], bytes]] = {
    "one parameter again and again": lambda size: b"limit=1&" * (size // 8),
    "parameters": lambda size: b"&".join(b"a%d=1" % number for number in range(size // 8)),
    "nothing": lambda size: b"&" * size,
    "escapes": lambda size: b"limit=" + b"%61" * (size // 3),
    "escapes of other letters": lambda size: b"cursor=" + b"%ef%b7%ba" * (size // 9),
    "a long cursor": lambda size: b"cursor=" + b"A" * size,
    "a long number": lambda size: b"limit=" + b"9" * size,
    "semicolons": lambda size: b"a;" * (size // 2),
    "equals": lambda size: b"=" * size,
    "plus": lambda size: b"status=" + b"+" * size,
}


def bodies(example: Any, size: int) -> Iterator[Named]:  # noqa: ANN401  any JSON
    """Each value by itself, and in each place of a body as it should be; none for what has no body (None)."""
    for what, fill in VALUES.items() if example is not None else ():
        value = fill(size)
        yield what, value
        for place in _places(example):
            yield f"{what} in its place", json.dumps(place).encode().replace(b'"HERE"', value)


def _places(example: Any) -> Iterator[Any]:  # noqa: ANN401  any JSON
    """Copies of it in which one value, each in its turn, is HERE."""
    members = example.items() if isinstance(example, dict) else enumerate(example) if isinstance(example, list) else ()
    for at, value in members:
        for inner in ("HERE", *_places(value)):
            copy = example.copy()
            copy[at] = inner
            yield copy


def heads(random: Random, most: int, size: int) -> Iterator[Named]:
    """Lines as fields, `most` of all there are: each said once, or as often as so many bytes have room for."""
    everything = [(name, what) for name in FIELDS for what in LINES]
    for name, what in random.sample(everything, min(most, len(everything))):
        times = random.choice((1, max(1, size // LINE)))
        yield f"{what} in {name.decode()}, {times}", b"".join([name + b": " + LINES[what](LINE) + b"\r\n"] * times)


def _nested(inmost: bytes, name: bytes) -> bytes:
    return b'{"%b":' % name * DEEP + b"{%b}" % inmost + b"}" * DEEP


def _each_twice(size: int) -> bytes:
    """Each object has one member twice, and the next object."""
    name = b"a" * (size // DEEP // 3)
    return b'{"%b":1,"%b":1,"a":' % (name, name) * DEEP + b"1" + b"}" * DEEP
