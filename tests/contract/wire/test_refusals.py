"""Whoever refuses, a client gets a problem with the request's id, and a page may read it where nobody said otherwise.

Each way to be refused that a client has, through nginx and at a gateway directly. What nginx, a gateway, a function and
the servers that these run on refuse is one list: a client does not know who of them it met.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from runtime.http.problem import KINDS
from tests.contract.functions.gateway.town import Town
from tests.contract.wire.conftest import Door

SHOP = b"Origin: https://shop.example\r\n"
HEAD = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n(.*)", re.DOTALL)
STATUS = {f"/problems/{kind.slug}": kind.status for kind in KINDS}
BARE = {b"\x01", b"\x08", b"\x0b", b"\x1f", b"\x7f"}  # controls, but for those that end a line or a text


@dataclass
class Answer:
    """What came back, whole."""

    status: int
    fields: dict[str, str]
    body: bytes


async def asked(door: Door, sent: bytes) -> Answer:
    """The first answer. The connection is ended by who answers, or by us when that is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    found = HEAD.fullmatch(head)
    assert found is not None
    lines = [line.split(": ", 1) for line in found[2].decode("latin-1").split("\r\n")]
    fields = {name.lower(): value for name, value in lines}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    writer.close()
    return Answer(int(found[1]), fields, body)


def get(target: bytes, *lines: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + SHOP + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(target: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    return get(target, *lines).replace(b"GET", b"POST", 1) + body


def fields(count: int) -> list[bytes]:
    """So many lines, beside Host and Origin."""
    return [b"X-%d: a" % number for number in range(count)]


def before_a_route() -> Iterator[tuple[str, bytes, int]]:
    """Nobody has said yet whose pages may read the answer, so all may."""
    yield "path: dots", get(b"/echo/../echo"), 400
    yield "path: escape", get(b"/echo/%zz"), 400
    yield "path: hidden slash", get(b"/echo/%2fa"), 400
    yield "host: none", get(b"/echo").replace(b"Host: a\r\n", b""), 400
    yield "host: bad", get(b"/echo").replace(b"Host: a\r\n", b"Host: a:b:c\r\n"), 400
    yield "host: twice", get(b"/echo", b"Host: b"), 400
    yield "authorization: twice", get(b"/echo/mine", b"Authorization: Bearer a", b"Authorization: Bearer a"), 400
    yield "key: twice", post(b"/echo/keyed", b"Idempotency-Key: a", b"Idempotency-Key: b"), 400
    yield "key: twice, the first empty", post(b"/echo/keyed", b"Idempotency-Key:", b"Idempotency-Key: b"), 400
    yield "type: twice", post(b"/echo", b"Content-Type: application/json", b"content-type: text/plain"), 400
    yield "origin: twice", get(b"/pages", SHOP.rstrip()), 400
    yield "expect", get(b"/echo", b"Expect: 200-ok"), 417
    yield "expect: more", get(b"/echo", b"Expect: 100-continue, x"), 417
    yield "fields: 94", get(b"/echo", *fields(92)), 431
    yield "fields: 97", get(b"/echo", *fields(95)), 431
    yield "no route", get(b"/elsewhere"), 404
    yield "no such method there", get(b"/echo").replace(b"GET", b"DELETE", 1), 405


def at_nginx_alone() -> Iterator[tuple[str, bytes, int]]:
    """What nginx refuses so that no server behind it has to, which has no words for it."""
    for byte in (b'?"', b"<", b">", b"`", b"?<", b"?>", b"\x80", b"\xc3\xa9", b"\xff", b"?\xff", b"#", b"#x", b"?a#"):
        yield f"target: {byte!r}", get(b"/echo" + byte), 400
        yield f"keyed target: {byte!r}", post(b"/echo/keyed" + byte, b"Idempotency-Key: k", b"Content-Length: 0"), 400
    yield "line", b"no HTTP\r\n\r\n", 400
    yield "version", get(b"/echo").replace(b"HTTP/1.1", b"HTTP/3.0"), 400
    yield "target: long", get(b"/" + b"x" * 17_000), 414
    yield "field: long", get(b"/echo", b"X: " + b"x" * 17_000), 431
    yield "lengths", post(b"/echo", b"Content-Length: 1", b"Content-Length: 2", body=b"ab"), 400
    yield "coding", post(b"/echo", b"Transfer-Encoding: gzip"), 400
    yield "fields: 91", get(b"/echo", *fields(89)), 431
    yield "chunks", post(b"/echo", b"Transfer-Encoding: chunked", body=b"zz\r\n"), 400
    yield "body: long", post(b"/echo", b"Content-Length: 67108865"), 413
    yield "TRACE", get(b"/echo").replace(b"GET", b"TRACE", 1), 405
    yield "inside", get(b"/metrics"), 404


def on_a_route() -> Iterator[tuple[str, bytes, int]]:
    """The route says whose pages may read."""
    large = b"Content-Length: 2000"
    yield "no token", get(b"/pages").replace(b"GET", b"PUT", 1), 401
    yield "body", get(b"/pages", large).replace(b"GET", b"PUT", 1) + b"x" * 2000, 413
    yield "key", get(b"/pages", b"Idempotency-Key: k", b"Content-Length: 0").replace(b"GET", b"PUT", 1), 400
    yield "bad token", get(b"/pages", b"Authorization: Bearer x").replace(b"GET", b"PUT", 1), 401


def by_its_function() -> Iterator[tuple[str, bytes, int]]:
    yield "deadline", get(b"/hang/a/moment"), 504
    yield "raises", get(b"/fails"), 500


BEFORE, NGINX, ROUTE, FUNCTION = (
    {name: (sent, status) for name, sent, status in made()}
    for made in (before_a_route, at_nginx_alone, on_a_route, by_its_function)
)


def is_problem(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.fields["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(answer.body)
    assert problem.keys() >= {"type", "title", "status", "detail", "instance", "request_id"}
    assert STATUS[problem["type"]] == problem["status"] == status
    assert problem["request_id"] == answer.fields["x-request-id"]


@pytest.mark.parametrize("way", BEFORE)
async def test_what_is_refused_before_there_is_a_route(door: Door, way: str) -> None:
    sent, status = BEFORE[way]
    answer = await asked(door, sent)
    is_problem(answer, status)
    assert answer.fields["access-control-allow-origin"] == "*"
    assert "X-Request-Id" in answer.fields["access-control-expose-headers"]


@pytest.mark.parametrize("way", NGINX)
async def test_what_nginx_refuses(front: int, way: str) -> None:
    sent, status = NGINX[way]
    answer = await asked(Door("nginx", front), sent)
    is_problem(answer, status)
    assert answer.fields["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("way", ROUTE)
async def test_what_a_route_refuses(door: Door, way: str) -> None:
    sent, status = ROUTE[way]
    answer = await asked(door, sent)
    is_problem(answer, status)
    assert answer.fields["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize("way", FUNCTION)
async def test_what_a_function_fails_at(door: Door, way: str) -> None:
    """No page may read what the route lets none."""
    sent, status = FUNCTION[way]
    answer = await asked(door, sent)
    is_problem(answer, status)
    assert "access-control-allow-origin" not in answer.fields


async def test_each_byte_of_a_target_is_served_or_refused_in_words(front: int) -> None:
    """In a path and in a query; nothing that is cut off, either."""
    told = []
    for number in {*range(256)} - {*b"\r\n/ "}:
        for target in (b"/echo/a%bb", b"/echo?a%bb"):
            answer = await asked(Door("nginx", front), get(target.replace(b"%b", bytes([number]))))
            if answer.status == 200:
                assert msgspec.json.decode(answer.body)["target"].encode("latin-1")[-2:] == bytes([number]) + b"b"
            else:
                is_problem(answer, 400)
            told.append(answer.status)
    assert {*told} == {200, 400}


@pytest.mark.parametrize("count", [*range(80, 96)])
async def test_however_many_fields_a_request_has_it_is_served_or_refused_in_words(door: Door, count: int) -> None:
    answer = await asked(door, get(b"/echo", *fields(count)))
    if answer.status != 200:
        is_problem(answer, 431)
    assert (answer.status == 200) == (count + 2 <= (90 if door.name == "nginx" else 93))


@pytest.mark.parametrize("control", sorted(BARE))
async def test_a_control_in_a_fields_value_is_refused_by_the_server_without_words(front: int, control: bytes) -> None:
    """What stands before it can't see it. But a page may know of it, and so may whoever reads the access log."""
    answer = await asked(Door("nginx", front), get(b"/echo", b"X: a" + control + b"b"))
    assert (answer.status, answer.body) == (400, b"")
    assert answer.fields["access-control-allow-origin"] == "*"
    assert answer.fields["x-request-id"]


@pytest.mark.parametrize("status", [400, 404, 413, 414, 417, 431, 500, 502, 503, 504])
async def test_what_a_function_says_itself_is_never_replaced(door: Door, status: int) -> None:
    answer = await asked(door, get(b"/says/%d" % status))
    assert (answer.status, answer.body) == (status, b"its own words")


@pytest.mark.parametrize("host", [b"a:", b"[::1]:", b"a:80"])
async def test_a_port_may_be_empty(door: Door, host: bytes) -> None:
    assert (await asked(door, get(b"/echo").replace(b"Host: a", b"Host: " + host))).status == 200


def test_nothing_of_that_was_a_failure_of_the_gateway(attacked: Town) -> None:
    assert not [line for line in attacked.gateway.log if "Traceback" in line]
