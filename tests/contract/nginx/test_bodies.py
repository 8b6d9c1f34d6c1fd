"""What bodies may hold of the machine: memory, files, and how many requests of one address at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.front import Front
from tests.contract.nginx import http2
from tests.contract.nginx.conftest import OK, SIZES

if TYPE_CHECKING:
    from tests.contract.nginx.conftest import Answer, FrontDoor

HELD = 64 * 1024
MIB = 1024**2
ALONE, LARGE = b"PUT /x", b"POST /large/1"  # of 64 MiB, and of one
OF_200 = b"\x88"  # a status that HTTP/2 has a byte for; of others it has the digits
BEHIND = pytest.mark.parametrize("front", [Front(proxies=("127.0.0.0/8",))], ids=["behind"])


def sized(line: bytes, length: int, *fields: bytes) -> bytes:
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: a", b"Content-Length: %d" % length, *fields, b"", b""])


def chunked(line: bytes, body: bytes, *fields: bytes) -> bytes:
    head = b"\r\n".join([line + b" HTTP/1.1", b"Host: a", b"Transfer-Encoding: chunked", *fields, b"", b""])
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def files(tmp_path: Path) -> list[Path]:
    """What nginx has written down of bodies."""
    return [path for path in (tmp_path / "nginx" / "client_body").rglob("*") if path.is_file()]


@asynccontextmanager
async def held(door: "FrontDoor", requests: Sequence[bytes]) -> AsyncIterator[None]:
    """Requests that have begun and do not go on."""
    opened = [await door.open() for _ in requests]
    for (_, writer), request in zip(opened, requests, strict=True):
        writer.write(request)
    await asyncio.gather(*(writer.drain() for _, writer in opened))
    try:
        yield
    finally:
        for _, writer in opened:
            writer.close()


async def until(door: "FrontDoor", request: bytes, status: int) -> "Answer":
    """Asks until nginx has seen what was sent before."""
    async with asyncio.timeout(60):
        while (answer := await door.send(request)).status != status:
            pass
    return answer


@pytest.mark.parametrize("line", [b"POST /nowhere", b"POST /orders", b"GET /large", b"PUT /x/y", b"POST /large/"])
async def test_where_no_route_takes_more_than_is_held_in_memory_nothing_is_written_down(
    door: "FrontDoor", tmp_path: Path, line: bytes
) -> None:
    gateway = await door.gateway(1)
    for request in (sized(line, HELD + 1), sized(line, 60 * MIB), chunked(line, bytes(HELD + 1))):
        assert (await door.send(request)).problem["type"] == "/problems/body-too-large"
    assert gateway.received == []
    taken = sized(line, HELD) + bytes(HELD)
    async with held(door, [taken[:-1]] * 10):
        assert (await door.send(taken)).status == 200
        assert files(tmp_path) == []


KEYED = b"Idempotency-Key: k"


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
async def test_a_route_that_takes_more_is_given_it(door: "FrontDoor", fields: tuple[bytes, ...]) -> None:
    gateway = await door.gateway(1)
    assert (await door.send(sized(LARGE, MIB, *fields) + bytes(MIB))).status == 200
    assert (await door.send(chunked(LARGE, bytes(MIB), *fields))).status == 200
    assert [len(request.partition(b"\r\n\r\n")[2]) for request in gateway.received] == [MIB, MIB]


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
async def test_however_many_sizes_there_are_each_is_taken(door: "FrontDoor", fields: tuple[bytes, ...]) -> None:
    gateway = await door.gateway(1)
    for size in range(65, 65 + SIZES):
        line = b"POST /sizes/%d" % size
        assert (await door.send(sized(line, size * 1024, *fields) + bytes(size * 1024))).status == 200
        assert (await door.send(sized(line, size * 1024 + 1, *fields))).problem["type"] == "/problems/body-too-large"
    assert len(gateway.received) == SIZES


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
@pytest.mark.parametrize("line", [b"POST /named/1", b"POST /below/a/b"])
async def test_a_path_that_several_routes_match_takes_what_the_gateways_choice_does(
    door: "FrontDoor", line: bytes, fields: tuple[bytes, ...]
) -> None:
    """Also where they name its parameters differently, and where a wider route is declared before."""
    await door.gateway(1)
    assert (await door.send(sized(line, 2 * MIB, *fields) + bytes(2 * MIB))).status == 200
    assert (await door.send(sized(line, 2 * MIB + 1, *fields))).status == 413


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
@pytest.mark.parametrize("line", [b"POST /orders", LARGE], ids=["small", "large"])
async def test_what_nginx_refuses_it_refuses_wherever_and_however_sent(
    door: "FrontDoor", line: bytes, fields: tuple[bytes, ...]
) -> None:
    gateway = await door.gateway(1)
    for mark in (b"#", b"?<", b'?"', b"\xc3\xa9", b"?\xff", b"`"):
        answer = await door.send(sized(line + mark, 0, *fields))
        assert (answer.status, answer.problem["type"]) == (400, "/problems/malformed-request")
    answer = await door.send(sized(line, 0, b"Expect: 200-ok", *fields))
    assert (answer.status, answer.problem["type"]) == (417, "/problems/expectation-failed")
    assert gateway.received == []


async def test_a_large_keyed_body_has_its_second_round(door: "FrontDoor") -> None:
    scripts = iter([True])

    async def breaks_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"" if next(scripts, False) else OK)

    gateway = await door.gateway(1, breaks_once)
    assert (await door.send(sized(LARGE, MIB, KEYED) + bytes(MIB))).status == 200
    assert [len(request.partition(b"\r\n\r\n")[2]) for request in gateway.received] == [MIB, MIB]


@pytest.mark.parametrize("path", [b"/metrics/files", b"/health/files", b"/%6detrics/files"])
async def test_no_route_lets_out_what_is_for_the_inside(door: "FrontDoor", path: bytes) -> None:
    gateway = await door.gateway(1)
    for request in (sized(b"POST " + path, 4) + b"body", sized(b"POST " + path, 4, KEYED) + b"body"):
        assert (await door.send(request)).problem["type"] == "/problems/no-such-route"
    assert gateway.received == []
    assert (await door.send(sized(b"POST /other/files", MIB) + bytes(MIB))).status == 200


@pytest.mark.parametrize("front", [Front("self-signed")], ids=["tls"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE"])
@pytest.mark.parametrize("path", [b"/x", b"/large/1", b"/orders"])
async def test_a_body_that_http_2_does_not_announce_is_held_in_memory_where_none_is_usual(
    door: "FrontDoor", tmp_path: Path, method: bytes, path: bytes
) -> None:
    """With HTTP/1 there is none without a word; it is in no count of files."""
    gateway = await door.gateway(1)
    for length, status in ((HELD, OF_200), (HELD + 1, b"413")):
        reader, writer = await door.open(http2.speaking())
        fields = (b":method", method), (b":scheme", b"https"), (b":authority", b"a"), (b":path", path)
        writer.write(http2.request(*fields, whole=False) + http2.data(bytes(60_000), whole=False))
        await http2.until(reader, http2.WINDOW)
        writer.write(http2.data(bytes(length - 60_000), whole=True))
        assert status in await http2.until(reader, http2.HEADERS)
        assert files(tmp_path) == []
        writer.close()
    assert len(gateway.received) == 1


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
async def test_and_not_a_byte_beyond(door: "FrontDoor", fields: tuple[bytes, ...]) -> None:
    for request in (sized(LARGE, MIB + 1, *fields), chunked(LARGE, bytes(MIB + 1), *fields)):
        assert (await door.send(request)).problem["type"] == "/problems/body-too-large"


@pytest.mark.parametrize("fields", [(), (KEYED,)], ids=["plain", "keyed"])
async def test_one_address_may_have_a_quarter_of_the_files_and_others_theirs(
    door: "FrontDoor", fields: tuple[bytes, ...]
) -> None:
    await door.gateway(1)
    line = ALONE if not fields else LARGE
    quarter = 2 if not fields else 128
    upload = sized(line, MIB, *fields)
    async with held(door, [upload] * quarter):
        refused = await until(door, upload + bytes(MIB), 429)
        assert refused.problem["type"] == "/problems/quota-exceeded"
        assert refused.headers["retry-after"] == "1"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        assert (await door.send(sized(line, 4, *fields) + b"body")).status == 200  # it needs no file
        assert (await door.send(upload + bytes(MIB), address="127.0.0.2")).status == 200


@BEHIND
async def test_all_files_together_are_bounded_and_ipv6_counts_by_network(door: "FrontDoor") -> None:
    def of(address: str) -> bytes:
        return sized(ALONE, MIB, b"X-Forwarded-For: " + address.encode())

    await door.gateway(1)
    async with held(door, [of("2001:db8::1"), of("2001:db8::2:3:4:5")]):
        await until(door, of("2001:db8::9") + bytes(MIB), 429)
        assert (await door.send(of("2001:db8:0:1::1") + bytes(MIB))).status == 200
        async with held(door, [of(f"203.0.113.{number}") for number in range(6)]):
            await until(door, of("198.51.100.1") + bytes(MIB), 429)
    assert (await until(door, of("198.51.100.1") + bytes(MIB), 200)).body == b"ok"


@BEHIND
async def test_an_ipv4_address_that_is_written_as_an_ipv6_one_counts_for_itself(door: "FrontDoor") -> None:
    def of(address: str) -> bytes:
        return sized(ALONE, MIB, b"X-Forwarded-For: " + address.encode())

    await door.gateway(1)
    async with held(door, [of("::ffff:203.0.113.1"), of("203.0.113.1")]):
        await until(door, of("::ffff:203.0.113.1") + bytes(MIB), 429)
        assert (await door.send(of("::ffff:203.0.113.2") + bytes(MIB))).status == 200


async def test_an_address_may_ask_so_much_at_once_and_others_go_on(door: "FrontDoor") -> None:
    get = b"GET /products HTTP/1.1\r\nHost: a\r\n\r\n"
    unread = sized(b"POST /orders", 4)
    await door.gateway(1)
    async with held(door, [unread] * 1024):
        assert (await until(door, get, 429)).problem["type"] == "/problems/quota-exceeded"
        assert (await door.send(get, address="127.0.0.2")).status == 200
    await until(door, get, 200)


async def test_what_goes_wrong_with_a_large_body_is_said_as_it_is(door: "FrontDoor") -> None:
    """A problem is a place of its own, which has to take what was sent."""
    answer = await door.send(sized(ALONE, MIB) + bytes(MIB))
    assert answer.problem["type"] == "/problems/upstream-unreachable"
