"""The edge: what a client sees, whatever happened below."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from functions.gateway import edge as module
from functions.gateway.edge import Edge, Served
from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.outbound import ReadsTooSlowly
from functions.gateway.routes import compile_routes
from functions.gateway.stages.forward.errors import ConnectionBroken
from functions.gateway.stages.identify import identify, trusting
from functions.gateway.table import Table
from runtime.asgi import Message
from runtime.http import problem
from runtime.http.problem import KINDS, Kind, Problem
from tests.calls import Server, Stream, scope
from tests.exchanges import Below, everything, manifest

IDENTIFIED = identify(trusting(""), lambda: "new")


def edge(handler: Handler, *matches: str, always: list[Header] | None = None) -> Edge:
    routes = compile_routes([manifest(*({"match": match} for match in matches or ("GET /things/{id}",)))])
    table: Table[Served] = Table(routes, lambda route: (route, IDENTIFIED(handler)))
    return Edge(table, IDENTIFIED, always or [])


async def asked(edge: Edge, method: str = "GET", path: str = "/things/1", *headers: Header) -> Server:
    server = Server()
    await edge(scope(method, path, b"", *headers), server.receive, server.send)
    return server


def answering(response: Response) -> Handler:
    async def answer(_: Exchange) -> Response:
        return response

    return answer


async def test_an_answer_goes_out_as_it_came() -> None:
    headers = [(b"set-cookie", b"a=1"), (b"etag", b'"1"'), (b"set-cookie", b"b=2")]
    server = await asked(edge(answering(Response(201, headers, b"made"))))
    assert (server.status, server.body, server.complete) == (201, b"made", True)
    assert server.headers[:3] == headers


async def test_what_only_the_gateway_may_say_is_said_once() -> None:
    spoofed = [(b"x-request-id", b"theirs"), (b"x-instance", b"theirs"), (b"server", b"theirs")]
    server = await asked(edge(answering(Response(200, spoofed)), always=[(b"x-instance", b"one")]))
    assert server.headers == [(b"x-request-id", b"new"), (b"x-instance", b"one")]


async def test_a_head_goes_out_before_there_is_any_content() -> None:
    server = Server()
    stream = Stream()
    call = asyncio.create_task(edge(answering(Response(200, [], b"", stream)))(scope(), server.receive, server.send))
    await server.begun.wait()
    assert server.status == 200
    server.leave()
    await call
    assert stream.closed


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/elsewhere", []),
        ("PATCH", "/things/1", []),
        ("GET", "/things//1", []),
        ("GET", "/things/1", [(b"expect", b"200-ok")]),
    ],
)
async def test_what_is_refused_before_there_is_a_route_may_be_read_by_any_page(
    method: str, path: str, headers: list[Header]
) -> None:
    told = dict((await asked(edge(answering(Response(200, []))), method, path, *headers)).headers)
    assert told[b"access-control-allow-origin"] == b"*"
    assert b"X-Request-Id" in told[b"access-control-expose-headers"]


async def test_a_browser_that_asks_beforehand_is_told_no() -> None:
    told = dict((await asked(edge(answering(Response(200, []))), "OPTIONS", "/elsewhere")).headers)
    assert b"access-control-allow-origin" not in told


async def test_the_parts_of_a_stream_go_out_as_they_come() -> None:
    server = await asked(edge(answering(Response(200, [], b"a", Stream(b"b", b"c", b"")))))
    assert [message["body"] for message in server.got[1:]] == [b"a", b"b", b"c", b""]
    assert server.complete


async def test_an_answer_that_breaks_in_the_middle_never_looks_complete() -> None:
    server = Server()
    stream = Stream(b"b", then=ConnectionBroken("closed"))
    with pytest.raises(ConnectionBroken):  # which is how a server is told to cut the connection
        await edge(answering(Response(200, [], b"a", stream)))(scope(), server.receive, server.send)
    assert not server.complete
    assert stream.closed


async def test_who_reads_too_slowly_is_sent_no_end_and_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def too_slowly(*_: object) -> None:
        raise ReadsTooSlowly

    monkeypatch.setattr("functions.gateway.edge.pass_on", too_slowly)
    stream = Stream(b"b")
    server = await asked(edge(answering(Response(200, [], b"a", stream))))
    assert not server.complete
    assert stream.closed


async def test_what_was_held_for_an_answer_is_released_when_it_is_out() -> None:
    released: list[bool] = []
    await asked(edge(answering(Response(200, [], at_end=[lambda: released.append(True)]))))
    assert released == [True]


async def test_the_target_is_what_the_client_wrote() -> None:
    below = Below()
    server = Server()
    call = scope(query=b"a=%20&b") | {"path": "/things/é b", "raw_path": b"/things/%C3%A9%20b"}
    await edge(below)(call, server.receive, server.send)
    assert below.seen[0].target == b"/things/%C3%A9%20b?a=%20&b"


async def test_the_length_of_a_body_is_what_its_head_says() -> None:
    below = Below()
    await asked(edge(below), "GET", "/things/1", (b"content-length", b"3"))
    assert below.seen[0].length == 3


@pytest.mark.parametrize("path", ["/things/%2e%2e", "//things/1", "/elsewhere/%00"])
async def test_a_head_with_two_meanings_is_refused_and_the_connection_ended(path: str) -> None:
    below = Below()
    server = await asked(edge(below), "GET", path, (b"x-request-id", b"mine"))
    refused(server, problem.MALFORMED)
    assert (b"connection", b"close") in server.headers
    assert (b"x-request-id", b"mine") in server.headers
    assert below.seen == []


PREFLIGHT = (b"access-control-request-method", b"GET")


async def test_a_preflight_has_the_route_that_it_asks_about() -> None:
    below = Below()
    routes = compile_routes([manifest({"match": "GET /things/{id}", "cors": ["*"]})])
    pages = Edge(Table(routes, lambda route: (route, IDENTIFIED(below))), IDENTIFIED, [])
    assert (await asked(pages, "OPTIONS", "/things/1", PREFLIGHT)).status == 200
    assert [exchange.route.template for exchange in below.seen] == ["GET /things/{id}"]


@pytest.mark.parametrize("headers", [[], [PREFLIGHT], [(b"access-control-request-method", b"PUT")]])
async def test_without_a_word_about_pages_there_is_no_preflight(headers: list[Header]) -> None:
    refused(await asked(edge(Below()), "OPTIONS", "/things/1", *headers), problem.METHOD_NOT_ALLOWED)


async def test_what_an_answer_says_in_any_case_is_on_a_refusal_too() -> None:
    async def telling(exchange: Exchange) -> Response:
        exchange.told.append((b"vary", b"origin"))
        raise Problem(problem.NOT_FOUND)

    assert (b"vary", b"origin") in (await asked(edge(telling))).headers


async def test_a_body_reaches_the_handler() -> None:
    bodies: list[bytes] = []

    async def read(exchange: Exchange) -> Response:
        bodies.append(await everything(exchange.read))
        return Response(200, [])

    server = Server(b"ab", b"c")
    call = scope("POST", "/things", b"", (b"content-length", b"3"))
    await edge(read, "POST /things")(call, server.receive, server.send)
    assert bodies == [b"abc"]


def refused(server: Server, kind: Kind) -> dict[str, Any]:
    """The problem that was answered; it has the shape that every one has."""
    headers = dict(server.headers)
    told: dict[str, Any] = msgspec.json.decode(server.body)
    assert server.status == told["status"] == kind.status
    assert told["type"] == f"/problems/{kind.slug}"
    assert told.keys() >= {"type", "title", "status", "detail", "instance", "request_id"}
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(server.body)
    assert headers[b"x-request-id"].decode() == told["request_id"]
    assert headers[b"proxy-status"].startswith(b"portico; error=")
    return told


async def test_a_path_that_nobody_serves() -> None:
    told = refused(await asked(edge(Below()), "GET", "/elsewhere"), problem.NO_SUCH_ROUTE)
    assert told["instance"] == "/elsewhere"


async def test_a_method_that_a_path_does_not_have_names_those_it_has() -> None:
    server = await asked(edge(Below(), "PUT /things", "POST /things"), "GET", "/things")
    refused(server, problem.METHOD_NOT_ALLOWED)
    assert (b"allow", b"POST, PUT") in server.headers


async def test_who_may_get_may_ask_for_the_head() -> None:
    below = Below()
    server = await asked(edge(below), "HEAD")
    assert (server.status, below.seen[0].method) == (200, b"HEAD")
    assert (b"allow", b"GET, HEAD") in (await asked(edge(below), "PUT")).headers


async def test_a_head_is_not_had_of_what_cannot_be_got() -> None:
    server = await asked(edge(Below(), "POST /things"), "HEAD", "/things")
    assert (b"allow", b"POST") in server.headers


async def test_a_refused_request_keeps_its_id() -> None:
    server = await asked(edge(Below()), "GET", "/elsewhere", (b"x-request-id", b"mine"))
    assert (b"x-request-id", b"mine") in server.headers


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
async def test_every_problem_leaves_in_the_same_shape(kind: Kind) -> None:
    refused(await asked(edge(Below(Problem(kind, "why")))), kind)


async def test_a_problem_brings_its_own_headers() -> None:
    server = await asked(edge(Below(Problem(problem.OVERLOADED, retry_after=1.2))))
    assert (b"retry-after", b"2") in server.headers


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (problem.UNREACHABLE, b"destination_unavailable"),
        (problem.MISBEHAVED, b"http_protocol_error"),
        (problem.DEADLINE_EXCEEDED, b"http_response_timeout"),
        (problem.LOOP_DETECTED, b"proxy_loop_detected"),
        (problem.QUOTA_EXCEEDED, b"http_request_denied"),
        (problem.BODY_TOO_LARGE, b"http_request_error"),
    ],
)
async def test_proxy_status_says_what_went_wrong_in_the_words_of_rfc_9209(kind: Kind, error: bytes) -> None:
    server = await asked(edge(Below(Problem(kind))))
    said = b'portico; error=%b; details="%b"' % (error, kind.slug.encode())
    assert (b"proxy-status", said) in server.headers


async def test_why_a_request_was_refused_or_failed_is_in_the_log_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, dict[str, object]]] = []

    def telling(where: str) -> Callable[..., None]:
        return lambda event, **said: told.append((where, event, said))

    for where in ("refused", "failed"):
        monkeypatch.setattr(module, f"tell_{where}", telling(where))
    await asked(edge(Below(Problem(problem.UNREACHABLE, "No instance of the function is running."))))
    await asked(edge(Below(Problem(problem.QUOTA_EXCEEDED))))
    assert [(where, event, said["problem"], said["detail"]) for where, event, said in told] == [
        ("failed", "request failed", "upstream-unreachable", "No instance of the function is running."),
        ("refused", "request refused", "quota-exceeded", problem.QUOTA_EXCEEDED.explanation),
    ]
    assert {said["function"] for _, _, said in told} == {"things"}


async def test_a_mistake_of_ours_tells_nothing_of_the_inside() -> None:
    server = await asked(edge(Below(RuntimeError("the password is hunter2"))))
    refused(server, problem.INTERNAL)
    assert b"hunter2" not in server.body


async def test_the_path_in_a_problem_is_without_its_query() -> None:
    server = Server()
    await edge(Below(Problem(problem.NOT_FOUND)))(scope(query=b"token=secret"), server.receive, server.send)
    assert refused(server, problem.NOT_FOUND)["instance"] == "/things/1"


async def test_a_client_that_leaves_gets_nothing_and_ends_its_request() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(_: Exchange) -> Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("an event that nobody sets was set")

    server = Server()
    call = asyncio.create_task(edge(never)(scope(), server.receive, server.send))
    await begun.wait()
    server.leave()
    await call
    assert ended.is_set()
    assert server.got == []


async def test_a_body_that_breaks_off_ends_its_request() -> None:
    """Whether its client left or wrote broken chunks the server does not say, so it is told in any case."""

    async def read(exchange: Exchange) -> Response:
        await everything(exchange.read)
        raise AssertionError("a body that never ends has ended")

    server = Server(b"ab")
    server.leave()
    call = scope("POST", "/things", b"", (b"content-length", b"3"))
    await edge(read, "POST /things")(call, server.receive, server.send)
    refused(server, problem.MALFORMED)
    assert (b"connection", b"close") in server.headers


async def test_a_client_that_leaves_is_seen_though_nobody_reads_its_body() -> None:
    server = Server(b"a", b"b")
    stream = Stream()
    call = scope("POST", "/things", b"", (b"content-length", b"100"))
    request = asyncio.create_task(
        edge(answering(Response(200, [], b"", stream)), "POST /things")(call, server.receive, server.send)
    )
    await server.begun.wait()
    server.leave()
    await request
    assert stream.closed


async def test_a_server_that_stops_is_not_taken_for_a_client_that_left() -> None:
    begun = asyncio.Event()

    async def never(_: Exchange) -> Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")

    server = Server()
    call = asyncio.create_task(edge(never)(scope(), server.receive, server.send))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


class Uploading(Server):
    """Who sends three bytes in three parts, and counts what was asked of it, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []  # whether the whole answer was out by then

    async def receive(self) -> Message:
        self.asked.append(bool(self.got) and self.complete)
        return {"type": "http.request", "body": b"x", "more_body": len(self.asked) < 3}


@pytest.mark.parametrize("path", ["/things/1", "/elsewhere", "/things/%2e%2e"])
@pytest.mark.parametrize("framing", [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")])
async def test_a_body_that_nobody_wants_is_read_on_when_the_answer_is_out(path: str, framing: Header) -> None:
    server = Uploading()
    await edge(answering(Response(413, [])), "POST /things/{id}")(
        scope("POST", path, b"", framing), server.receive, server.send
    )
    assert server.asked == [True, True, True]


async def test_who_leaves_while_that_is_read_ends_nothing() -> None:
    server = Server(b"x")
    server.leave()
    sized = (b"content-length", b"2")
    await edge(answering(Response(413, [])), "POST /things/{id}")(
        scope("POST", "/things/1", b"", sized), server.receive, server.send
    )
    assert (server.status, server.complete) == (413, True)
