"""The client's side: as much as goes through (wrk), or a fixed rate that no slow answer holds back (open loop).

At a fixed rate each request has a moment at which it is due, and its latency counts from there: a gateway that stalls
is charged for every request that came due meanwhile (no coordinated omission).
"""

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked again and again; `body` in bytes, `targets`: so many, by turns, that differ in their query.

    `script`: Lua that makes each request anew.
    """

    path: str
    method: str = "GET"
    body: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    targets: int = 1
    script: str = ""


Make = Callable[[int], bytes]  # the request of a number, as it goes over the wire


@dataclass(frozen=True, slots=True)
class Latency:
    """Of a fixed rate, in seconds; and how many were refused."""

    p50: float
    p99: float
    failed: int = 0


def flood(
    port: int, request: Request, seconds: float, connections: int, core: int | str, script: Path
) -> tuple[int, int]:
    """How many requests went through within `seconds`, and how many failed."""
    script.write_text(_lua(request))
    options = [f"-c{connections}", f"-d{seconds:.0f}", "--timeout", "10s", "-s", str(script)]
    said = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", *options, f"http://127.0.0.1:{port}{request.path}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    answered = _number(r"(\d+) requests in", said)
    if not answered:
        sys.stderr.write(f"nothing was answered: {said}\n")
    refused = _number(r"Non-2xx or 3xx responses: (\d+)", said)
    return answered - refused, refused + _number(r"Socket errors: .*timeout (\d+)", said)


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


_TURNS = """local asked = 0
request = function()
  asked = (asked + 1) % {targets}
  return wrk.format(nil, "{path}?" .. asked)
end"""


def _lua(request: Request) -> str:
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in request.headers]
    body = [f'wrk.body = string.rep("x", {request.body})'] if request.body else []
    script = _TURNS.format(targets=request.targets, path=request.path) if request.targets > 1 else request.script
    return "\n".join([f'wrk.method = "{request.method}"', *lines, *body, script]).rstrip() + "\n"


def paced(port: int, make: Make, rate: float, seconds: float, connections: int) -> Latency:
    """Latencies at `rate` requests a second."""
    taken, failed = asyncio.run(_paced(port, make, rate, seconds, connections))
    waited = sorted(taken)
    return Latency(_percentile(waited, 0.5), _percentile(waited, 0.99), failed)


def ask(port: int, request: Request) -> str:
    """What comes of one request: the start of its answer, or why there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(encoded(request, b"x" * request.body))
            return connection.recv(1000).decode("latin-1")
    except OSError as error:
        return repr(error)


def always(request: Request) -> Make:
    """The same request each time."""
    text = encoded(request)
    return lambda _number: text


def encoded(request: Request, content: bytes = b"") -> bytes:
    """The bytes of a request, with `content` for its body."""
    said = [*request.headers, *([("Content-Length", str(len(content)))] if content else [])]
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in said)]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def _paced(port: int, make: Make, rate: float, seconds: float, connections: int) -> tuple[list[float], int]:
    begin = time.perf_counter() + 0.1
    dues = iter([(number, begin + number / rate) for number in range(int(rate * seconds))])
    waited: list[float] = []
    failed = 0

    async def serve() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, due in dues:
            await asyncio.sleep(due - time.perf_counter())
            failed += not await _exchange(reader, writer, make(number))
            waited.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(serve() for _ in range(connections)))
    return waited, failed


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Whether it was answered with a 2xx."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    await (reader.readexactly(int(length[1])) if length else reader.readuntil(b"0\r\n\r\n"))
    return head[9:10] == b"2"


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
