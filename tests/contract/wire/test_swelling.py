"""Nothing that a stranger sends makes more of itself: bytes of answers and logs, processor time and memory are bounded.

Of every operation, and of every field, on a route whose answers are kept and vary by what is asked. What costs too much
is asked again alone: what a process does by the way, once, is nobody's.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.contract.functions.gateway.town import Served, Town
from tests.contract.functions.test_openapi import LEAVING, City
from tests.contract.wire.cost import Meter
from tests.contract.wire.swelling import LINE, QUERIES, bodies, heads
from tests.contract.wire.test_fuzz import CASES, SEED

SIZES = (1_000, 15_000, 60_000)
ID = "01a20b4b-f3df-73d8-9fa2-93f2ab8cbf51"

# What a request may cost beside what grows with it.
ANSWER, ANSWER_EACH = 24_000, 1  # bytes, and for each byte that was sent
SPENT, SPENT_EACH = 0.04, 1e-6  # seconds of processors
LOG, LOG_EACH = 700, 0.1  # bytes, on average
GROWN = 64 * 1024**2  # bytes of memory, of all processes together, over the whole run
TRIES = 3

KEPT = 4 * 1024**2  # CACHE_BYTES
VARIED = """
name = "varied"
[upstream]
url = "http://127.0.0.1:{port}"
[defaults]
auth = "public"
[[route]]
match = "GET /varied/{{rest...}}"
cache = "shared"
"""
SAYS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: max-age=600\r\n"
    b'Vary: Accept, Accept-Language, Cookie, X\r\nETag: "same"\r\n\r\nok'
)


Asked = tuple[str, bytes]  # what it is, and what is sent


@dataclass(frozen=True)
class Operation:
    """One of the document; `example` is a body as it should be, None where there is none."""

    name: str
    method: str
    path: str
    example: Any

    def request(self, body: bytes, token: str, query: bytes = b"", more: bytes = b"") -> bytes:
        said = [
            *("Host: a", "Connection: close", "Content-Type: application/json", f"Content-Length: {len(body)}"),
            *([] if self.method == "GET" else ["If-Match: *"]),
            *([f"Authorization: Bearer {token}"] if token else []),
            *([f"Idempotency-Key: {secrets.token_hex(8)}"] if self.name == "orders_place_order" else []),
        ]
        names = {line.partition(b":")[0].lower() for line in more.split(b"\r\n")} - {b"connection"}
        lines = [line.encode() for line in said if line.partition(":")[0].lower().encode() not in names]
        first = f"{self.method} {self.path}".encode() + (b"?" + query if query else b"") + b" HTTP/1.1"
        return b"\r\n".join([first, *lines, more + b"\r\n"]) + body


def operations(document: dict[str, Any]) -> list[Operation]:
    """All of them, with a name of something in place of each parameter."""
    return [
        Operation(operation["operationId"], method.upper(), _filled(path), _example(operation))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "operationId" in operation
    ]


def _filled(path: str) -> str:
    return "/".join("mug" if step == "{sku}" else ID if step.startswith("{") else step for step in path.split("/"))


def _example(operation: dict[str, Any]) -> Any:  # noqa: ANN401  any JSON
    return next((kind["example"] for kind in operation.get("requestBody", {}).get("content", {}).values()), None)


async def answered(port: int, sent: bytes) -> bytes:
    """All that comes, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            while part := await reader.read(1_000_000):
                got += part
    except (ConnectionError, TimeoutError):  # refused unread; or there is no end, which is a fault where nothing came
        pass
    finally:
        writer.close()
    return got


def fault(sent: bytes, answer: bytes, spent: float) -> str:
    """What is wrong with it; "" when nothing is."""
    if not answer or answer[9:10] == b"5":
        return f"answered {answer[:100]!r}"
    if len(answer) > ANSWER + ANSWER_EACH * len(sent):
        return f"{len(answer)} bytes for {len(sent)}"
    return f"{spent:.3f} s for {len(sent)} bytes" if spent > SPENT + SPENT_EACH * len(sent) else ""


async def wrong(port: int, asked: Iterable[Asked], among: Sequence[Served]) -> dict[str, str]:
    """What costs too much each of several times; and what all of it together leaves behind."""
    found, may_write, whole = {}, 0.0, Meter(*among)
    for what, sent in asked:
        for _ in range(TRIES):
            may_write += LOG + LOG_EACH * len(sent)
            meter = Meter(*among)
            answer = await answered(port, sent)
            if not (why := fault(sent, answer, meter.seconds)):
                break
        else:
            found[what] = why
    if whole.written > may_write:
        found["log"] = f"{whole.written} bytes"
    if whole.resident > GROWN:
        found["memory"] = f"{whole.resident} bytes more"
    return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(tmp_path_factory.mktemp("swelling"), redis_url, stack)


def among(city: City) -> tuple[Served, ...]:
    return city.gateway, city.users, city.orders


def documented(city: City) -> list[Operation]:
    return operations(httpx.get(f"{city.gateway.url}/openapi.json").json())


def with_bodies(city: City, token: str) -> Iterator[Asked]:
    """Some CASES, made one after the other: they have megabytes together."""
    random, known = Random(SEED), documented(city)  # noqa: S311  the same seed must make the same cases
    for operation, size in product(known, SIZES):
        mine = "" if operation.name in LEAVING else token
        made = [(what, operation.request(body, mine)) for what, body in bodies(operation.example, size)]
        made += [(f"?{what}", operation.request(b"", mine, fill(min(size, LINE)))) for what, fill in QUERIES.items()]
        for what, sent in random.sample(made, min(len(made), 1 + CASES // len(known) // len(SIZES))):
            yield f"{operation.name}: {what}, {size}", sent


def with_fields(city: City, token: str) -> Iterator[Asked]:
    random, known = Random(SEED), documented(city)  # noqa: S311  as above
    for operation in known:
        mine, body = "" if operation.name in LEAVING else token, b"{}" if operation.example else b""
        for what, lines in heads(random, 1 + CASES // len(known), 60_000):
            yield f"{operation.name}: {what}", operation.request(body, mine, more=lines)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("make", [with_bodies, with_fields])
async def test_nothing_makes_more_of_itself(city: City, make: Callable[[City, str], Iterator[Asked]]) -> None:
    token = await asyncio.to_thread(city.token)
    assert await wrong(city.gateway.port, make(city, token), among(city)) == {}
    me = Operation("users_show_me", "GET", "/users/me", None)
    assert (await answered(city.gateway.port, me.request(b"", token)))[9:12] == b"200"  # it was asked with all the time


@pytest.fixture
async def varied(tmp_path: Path, redis_url: str) -> AsyncIterator[Town]:
    """A gateway before a service whose answers are kept, and vary."""
    serving = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(SAYS)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    port = server.sockets[0].getsockname()[1]
    (tmp_path / "functions" / "varied").mkdir(parents=True)
    (tmp_path / "functions" / "varied" / "function.toml").write_text(VARIED.format(port=port))
    most = f"{KEPT // 1024}KiB"
    town = await asyncio.to_thread(
        lambda: Town(tmp_path, redis_url, name="swelling", CACHE_URL=redis_url, CACHE_BYTES=most)
    )
    yield town
    town.end()
    server.close()
    await asyncio.gather(*filter(None, serving))  # each is over when the gateway's connection is


@pytest.mark.timeout(3600)
async def test_no_field_that_selects_makes_more_of_itself(varied: Town) -> None:
    """Each beside as many answers as are kept of one target."""
    random = Random(SEED)  # noqa: S311  as above
    kept = Operation("varied", "GET", "/varied/1", None)
    for number in range(16):
        await answered(varied.gateway.port, kept.request(b"", "", more=b"X: %d\r\n" % number))
    everything = ((what, kept.request(b"", "", more=lines)) for what, lines in heads(random, CASES, 60_000))
    assert await wrong(varied.gateway.port, everything, [varied.gateway]) == {}


@pytest.mark.timeout(3600)
async def test_what_is_kept_of_strangers_takes_no_more_memory_than_it_may(varied: Town) -> None:
    """Hosts, fields that select and queries, each as long as it may be."""

    def kept(number: int) -> bytes:
        more = b"Host: %b\r\nX: %b\r\nCookie: %b\r\n" % (b"%x" % number * 40, b"%d" % number * 2000, b"c" * 8000)
        return Operation("varied", "GET", f"/varied/{number // 8}", None).request(
            b"", "", b"q=%d" % number * 1000, more
        )

    for number in range(200):  # what a process needs at all
        await answered(varied.gateway.port, kept(number))
    meter = Meter(varied.gateway)
    for number in range(200, 200 + 3 * CASES):
        assert (await answered(varied.gateway.port, kept(number)))[9:12] == b"200"
    assert meter.resident < 3 * KEPT
