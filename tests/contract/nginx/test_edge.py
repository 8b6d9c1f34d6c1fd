"""The front door as strangers meet it: TLS, what browsers are told, who stands before it, what is compressed."""

import asyncio
import gzip
import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.front import Front
from tests.contract.nginx.conftest import logged
from tests.contract.nginx.http2 import HEADERS, Field, answered, request, speaking

if TYPE_CHECKING:
    from tests.contract.nginx.conftest import FrontDoor

GET = b"GET /products HTTP/1.1\r\nHost: portico.example\r\n"
TLS = pytest.mark.parametrize("front", [Front("self-signed", hsts="max-age=60")], ids=["tls"])
BEHIND = pytest.mark.parametrize("front", [Front(proxies=("127.0.0.0/8",), hsts="max-age=60")], ids=["behind"])


@TLS
async def test_with_the_certificate_in_hand_a_client_needs_no_more_trust(door: "FrontDoor") -> None:
    await door.gateway(1)
    context = ssl.create_default_context(cafile=str(door.certificate))
    assert (await door.send(GET + b"\r\n", context)).status == 200


@TLS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_that_are_fit_are_spoken(door: "FrontDoor", version: ssl.TLSVersion) -> None:
    gateway = await door.gateway(1)
    context = speaking("http/1.1")
    context.minimum_version = context.maximum_version = version
    answer = await door.send(GET + b"X-Forwarded-Proto: http\r\n\r\n", context)
    assert answer.headers["strict-transport-security"] == "max-age=60"
    assert b"X-Forwarded-Proto: https\r\n" in gateway.received[0]


@TLS
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_older_ones_are_not(door: "FrontDoor") -> None:
    context = speaking("http/1.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await door.open(context)


@TLS
@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"])
async def test_weak_ciphers_are_not(door: "FrontDoor", cipher: str) -> None:
    context = speaking("http/1.1")
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await door.open(context)


@TLS
async def test_what_comes_without_tls_where_there_is_some_is_refused_and_led_nowhere(door: "FrontDoor") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.tls_port)
    writer.write(GET + b"Connection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"location" not in head.lower()
    assert json.loads(body)["type"] == "/problems/malformed-request"


def asking(*more: Field) -> bytes:
    return request((b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/products"), *more)


@TLS
async def test_http_2_is_spoken_and_a_gateway_hears_http_1(door: "FrontDoor") -> None:
    gateway = await door.gateway(1)
    reader, writer = await door.open(speaking())
    writer.write(asking((b"accept", b"*/*")))
    assert await answered(reader) == HEADERS
    writer.close()
    assert gateway.received[0].startswith(b"GET /products HTTP/1.1\r\n")
    assert b"Host: a\r\n" in gateway.received[0]


@TLS
@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nX-Forwarded-For: 10.0.0.1"),
        (b"x", b"a\nb"),
        (b"x", b"a\x00b"),
        (b"x\r\ny", b"a"),
        (b"x: y", b"a"),
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"3"),
        (b":path", b"/other"),
        (b":path", b"/a HTTP/1.1\r\nHost: b\r\n\r\n"),
    ],
    ids=str,
)
async def test_no_field_of_http_2_writes_a_line_of_its_own(door: "FrontDoor", field: Field) -> None:
    """Refused, or left out, as it would be with HTTP/1."""
    gateway = await door.gateway(1)
    reader, writer = await door.open(speaking())
    writer.write(asking(field))
    await answered(reader)
    writer.close()
    for received in gateway.received:
        assert received.startswith(b"GET /products HTTP/1.1\r\n")
        assert (received.count(b"\r\n\r\n"), received.lower().count(b"\nx-forwarded-for:")) == (1, 1)
        assert not {b"10.0.0.1", b"\x00", b"chunked", b"content-length"} & {*received.lower().split()}


@TLS
async def test_the_access_log_has_the_method_of_http_2_where_nginx_answers(door: "FrontDoor", tmp_path: Path) -> None:
    _, writer = await door.open(speaking())
    writer.write(
        request((b":method", b"DELETE"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/metrics"))
    )
    entry = await logged(tmp_path)
    writer.close()
    assert (entry["method"], entry["protocol"], entry["status"]) == ("DELETE", "HTTP/2.0", "404")


async def test_without_tls_nobody_is_told_to_come_by_it(door: "FrontDoor") -> None:
    await door.gateway(1)
    assert "strict-transport-security" not in (await door.send(GET + b"\r\n")).headers


@pytest.mark.parametrize("request_", [GET + b"\r\n", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", b"no HTTP\r\n\r\n"])
async def test_every_answer_tells_browsers_what_not_to_do_with_it(door: "FrontDoor", request_: bytes) -> None:
    await door.gateway(1, b"HTTP/1.1 200 OK\r\nX-Powered-By: it/1.2\r\nServer: it/1.2\r\nContent-Length: 0\r\n\r\n")
    headers = (await door.send(request_)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["server"] == "nginx"
    assert "x-powered-by" not in headers


async def test_a_function_that_says_more_of_that_is_left_its_word(door: "FrontDoor") -> None:
    await door.gateway(
        1, b"HTTP/1.1 200 OK\r\nContent-Security-Policy: default-src 'self'\r\nContent-Length: 0\r\n\r\n"
    )
    assert (await door.send(GET + b"\r\n")).headers["content-security-policy"] == "default-src 'self'"


@BEHIND
async def test_a_declared_proxy_says_who_its_client_is_and_how_that_came(door: "FrontDoor") -> None:
    gateway = await door.gateway(1)
    said = b"X-Forwarded-For: 203.0.113.9, 198.51.100.7, 127.0.0.9\r\nX-Forwarded-Proto: https\r\n"
    answer = await door.send(GET + said + b"\r\n")
    assert b"X-Forwarded-For: 198.51.100.7\r\n" in gateway.received[0]
    assert b"X-Forwarded-Proto: https\r\n" in gateway.received[0]
    assert answer.headers["strict-transport-security"] == "max-age=60"


@BEHIND
async def test_it_can_say_nothing_else_with_that(door: "FrontDoor") -> None:
    gateway = await door.gateway(1)
    await door.send(GET + b"X-Forwarded-For: nobody\r\nX-Forwarded-Proto: gopher\r\n\r\n")
    assert b"X-Forwarded-For: 127.0.0.1\r\n" in gateway.received[0]
    assert b"X-Forwarded-Proto: http\r\n" in gateway.received[0]


LARGE = json.dumps(["product"] * 1000).encode()
PACKED = GET + b"Accept-Encoding: gzip\r\n"


def large(*lines: bytes, kind: bytes = b"application/json") -> bytes:
    fields = (b"Content-Type: " + kind, b"Content-Length: %d" % len(LARGE), b'ETag: "1"', *lines)
    return b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(fields) + b"\r\n\r\n" + LARGE


async def test_what_anybody_may_ask_for_is_compressed(door: "FrontDoor") -> None:
    await door.gateway(1, large())
    reader, writer = await door.open()
    writer.write(PACKED + b"\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    writer.close()
    assert b"content-encoding: gzip\r\n" in head
    assert b"vary: accept-encoding\r\n" in head
    assert b'etag: w/"1"\r\n' in head


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (PACKED + b"Authorization: Bearer x\r\n", large()),
        (PACKED + b"Cookie: a=1\r\n", large()),
        (PACKED.replace(b"GET", b"POST") + b"Content-Length: 0\r\n", large()),
        (GET, large()),
        (PACKED, large(kind=b"text/event-stream")),
        (PACKED, large(kind=b"image/png")),
        (PACKED, large().replace(b"200 OK", b"206 Partial Content")),
    ],
    ids=["token", "cookie", "POST", "not asked for", "events", "image", "part"],
)
async def test_nothing_else_is(door: "FrontDoor", sent: bytes, answer: bytes) -> None:
    await door.gateway(1, answer)
    got = await door.send(sent + b"\r\n")
    assert "content-encoding" not in got.headers
    assert (got.headers["etag"], got.body) == ('"1"', LARGE)


async def test_what_is_compressed_is_whole(door: "FrontDoor") -> None:
    await door.gateway(1, large())
    reader, writer = await door.open()
    writer.write(PACKED + b"Connection: close\r\n\r\n")
    _, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    packed = b""
    while rest[:1] != b"0":
        size, _, rest = rest.partition(b"\r\n")
        packed, rest = packed + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    assert gzip.decompress(packed) == LARGE
