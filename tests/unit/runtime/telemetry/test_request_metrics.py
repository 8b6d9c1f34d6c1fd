"""runtime/telemetry/request_metrics.py: requests by template, whatever paths clients make up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import AsyncClient
from litestar import Litestar, get
from litestar.params import FromPath

from runtime.asgi import Receive, Scope, Send
from runtime.http.api import api
from runtime.http.problem import NOT_FOUND, Problem
from runtime.serving.application import application
from runtime.serving.health import Health
from runtime.telemetry.metrics import Metrics
from runtime.telemetry.request_metrics import counted
from tests.calls import Server, scope
from tests.served import running


@asynccontextmanager
async def lifespan(_app: Litestar) -> AsyncIterator[None]:
    yield


@get("/things/{thing:str}")
async def read(thing: FromPath[str]) -> str:
    if thing == "none":
        raise Problem(NOT_FOUND)
    return thing


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with running(application(api([read], lifespan=lifespan, failures={}), Health())) as client:
        yield client


async def counts(client: AsyncClient) -> dict[str, int]:
    """Requests by route and status, as /metrics tells them."""
    head = "portico_function_requests_total{"
    shown = [line for line in (await client.get("/metrics")).text.splitlines() if line.startswith(head)]
    return {labels: int(count) for labels, _, count in (line.removeprefix(head).rpartition("} ") for line in shown)}


async def test_paths_of_one_route_are_counted_together(client: AsyncClient) -> None:
    for thing in ("a", "b", "none"):
        await client.get(f"/things/{thing}")
    assert await counts(client) == {
        'route="GET /things/{thing}",status="200"': 2,
        'route="GET /things/{thing}",status="404"': 1,
    }


async def test_a_head_counts_as_the_get_that_serves_it(client: AsyncClient) -> None:
    await client.head("/things/a")
    assert await counts(client) == {'route="GET /things/{thing}",status="200"': 1}


async def test_what_clients_make_up_makes_no_series_of_its_own(client: AsyncClient) -> None:
    for path in ("/a", "/b"):
        await client.get(path)
    await client.request("BREW", "/things/a")
    assert await counts(client) == {'route="none",status="404"': 2, 'route="none",status="405"': 1}


async def test_probes_and_scrapes_are_not_counted(client: AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/health", "/metrics"):
        await client.get(path)
    assert await counts(client) == {}


async def test_a_request_is_timed_to_the_end_of_its_answer() -> None:
    metrics = Metrics()
    times = iter([10.0, 10.75])

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    server = Server()
    await counted(slow, metrics, lambda: next(times))(scope(), server.receive, server.send)
    assert b'portico_function_request_duration_seconds_sum{route="none"} 0.75\n' in metrics.text()


async def test_what_raises_before_it_answers_counts_as_our_fault() -> None:
    metrics = Metrics()

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    server = Server()
    with pytest.raises(ZeroDivisionError):
        await counted(broken, metrics)(scope(), server.receive, server.send)
    assert b'portico_function_requests_total{route="none",status="500"} 1\n' in metrics.text()
