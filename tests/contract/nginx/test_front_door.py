"""What nginx promises by itself: names, limits, problems, retries, streams. Gateways here are scripted sockets."""

import asyncio
import json
import re
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.http.problem import KINDS
from tests.contract.nginx.conftest import logged

if TYPE_CHECKING:
    from tests.contract.nginx.conftest import FrontDoor, Script

GET = b"GET /products HTTP/1.1\r\nHost: portico.example\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PUT = b"PUT /products/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
KEYED = b"POST /orders HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k1\r\nContent-Length: 4\r\n\r\nbody"
UNKEYED = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
SLUGS = {kind.slug: kind for kind in KINDS}


async def breaks(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Took the request, and is gone without an answer."""


def breaks_once() -> "Script":
    """Breaks the first time, and is well from then on."""
    scripts = chain([breaks], repeat(answers))

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(scripts)(reader, writer)

    return script


async def answers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


@pytest.mark.parametrize(
    ("request_", "status", "slug"),
    [
        (GET + b"\r\n", 502, "upstream-unreachable"),
        (KEYED, 502, "upstream-unreachable"),
        (b"no HTTP at all\r\n\r\n", 400, "malformed-request"),
        (b"GET /x HTTP/1.1\r\n\r\n", 400, "malformed-request"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed-request"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "malformed-request"),
        (b"GET /x HTTP/3.0\r\nHost: a\r\n\r\n", 400, "malformed-request"),
        (b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"),
        (GET + b"X-Long: " + b"x" * 17_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 67108865\r\n\r\n", 413, "body-too-large"),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no-such-route"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no-such-route"),
        (b"GET /%6detrics/x HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no-such-route"),
        (b"GET /.problem/internal-error HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no-such-route"),
        (b"TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method-not-allowed"),
    ],
)
async def test_its_own_errors_are_problems(door: "FrontDoor", request_: bytes, status: int, slug: str) -> None:
    answer = await door.send(request_)
    assert answer.status == status
    assert answer.problem["type"] == f"/problems/{slug}"
    assert answer.problem["status"] == status
    assert answer.problem["title"] == SLUGS[slug].title
    assert answer.problem["detail"] == SLUGS[slug].explanation


async def test_a_problem_names_the_path_without_its_query(door: "FrontDoor") -> None:
    answer = await door.send(b"GET /metrics/a%20b?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.problem["instance"] == "/metrics/a%20b"


async def test_a_path_that_would_break_json_is_left_out(door: "FrontDoor") -> None:
    answer = await door.send(b'GET /metrics/"\\ HTTP/1.1\r\nHost: a\r\n\r\n')
    assert answer.problem["instance"] == ""


async def test_a_405_names_the_methods(door: "FrontDoor") -> None:
    answer = await door.send(b"TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "POST" in answer.headers["allow"]


async def test_what_a_gateway_answers_is_not_replaced(door: "FrontDoor") -> None:
    await door.gateway(1, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nours")
    answer = await door.send(GET + b"\r\n")
    assert (answer.status, answer.body) == (502, b"ours")


async def test_a_clients_request_id_is_kept(door: "FrontDoor") -> None:
    gateway = await door.gateway(1, b"HTTP/1.1 200 OK\r\nX-Request-Id: abc-1\r\nContent-Length: 0\r\n\r\n")
    answer = await door.send(GET + b"X-Request-Id: abc-1\r\n\r\n")
    assert answer.headers["x-request-id"] == "abc-1"
    assert b"X-Request-Id: abc-1\r\n" in gateway.received[0]


@pytest.mark.parametrize("unfit", [b"a b", b'a"b', b"x" * 129])
async def test_an_unfit_request_id_is_replaced_everywhere(door: "FrontDoor", unfit: bytes) -> None:
    gateway = await door.gateway(1)
    answer = await door.send(GET + b"X-Request-Id: " + unfit + b"\r\n\r\n")
    made = answer.headers["x-request-id"]
    assert len(made) == 32
    assert f"X-Request-Id: {made}\r\n".encode() in gateway.received[0]
    assert unfit not in gateway.received[0]


async def test_what_clients_claim_about_themselves_is_overwritten(door: "FrontDoor") -> None:
    gateway = await door.gateway(1)
    await door.send(GET + b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.0.0.1\r\n\r\n")
    head = gateway.received[0]
    assert b"X-Forwarded-For: 127.0.0.1\r\n" in head
    assert b"X-Forwarded-Proto: http\r\n" in head
    assert b"Host: portico.example\r\n" in head
    assert b"10.0.0.1" not in head


@pytest.mark.parametrize("target", [b"/users/%2e%2e/a%2Fb", b"//users", b"/a?q=%20+&q", b'/"x"\\', b"/x?"])
@pytest.mark.parametrize("rest", [b"", b"Idempotency-Key: k\r\nContent-Length: 0\r\n"], ids=["plain", "keyed"])
async def test_a_target_goes_on_byte_for_byte(door: "FrontDoor", target: bytes, rest: bytes) -> None:
    gateway = await door.gateway(1)
    method = b"POST" if rest else b"GET"
    await door.send(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n" + rest + b"\r\n")
    assert gateway.received[0].split(b"\r\n")[0] == method + b" " + target + b" HTTP/1.1"


async def test_fifteen_empty_slots_cost_no_request(door: "FrontDoor") -> None:
    await door.gateway(16)
    answers = await asyncio.gather(*(door.send(UNKEYED) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}


async def test_a_get_whose_gateway_breaks_goes_to_another(door: "FrontDoor") -> None:
    broken, whole = await door.gateway(1, breaks), await door.gateway(2)
    answers = [await door.send(GET + b"\r\n") for _ in range(4)]
    assert {answer.status for answer in answers} == {200}
    assert broken.received
    assert len(whole.received) == 4


async def test_a_keyed_post_whose_gateway_breaks_goes_to_another_with_its_body(door: "FrontDoor") -> None:
    broken, whole = await door.gateway(1, breaks), await door.gateway(2)
    answers = [await door.send(KEYED) for _ in range(4)]
    assert {answer.status for answer in answers} == {200}
    assert broken.received
    assert all(request.endswith(b"body") and b"Idempotency-Key: k1\r\n" in request for request in whole.received)


@pytest.mark.parametrize("request_", [GET + b"\r\n", PUT, KEYED])
async def test_what_may_be_sent_again_has_a_second_round_when_nobody_else_is_there(
    door: "FrontDoor", request_: bytes
) -> None:
    gateway = await door.gateway(1, breaks_once())
    answer = await door.send(request_)
    assert (answer.status, answer.body) == (200, b"ok")
    assert gateway.received[0] == gateway.received[1]
    assert len(gateway.received) == 2


async def test_there_is_no_third_round(door: "FrontDoor") -> None:
    gateway = await door.gateway(1, breaks)
    assert (await door.send(KEYED)).problem["type"] == "/problems/upstream-unreachable"
    assert len(gateway.received) == 2


@pytest.mark.parametrize("request_", [GET + b"\r\n", UNKEYED, KEYED])
async def test_a_gateway_that_lets_nobody_in_any_more_got_nothing_so_all_is_sent_to_another(
    door: "FrontDoor", request_: bytes
) -> None:
    """The last one that a first round tries may be one that leaves: the second finds who has come instead."""
    with door.shut(16) as knocked:
        asked = asyncio.create_task(door.send(request_))
        await knocked()
        gateway = await door.gateway(1)
        answer = await asked
    assert (answer.status, answer.body) == (200, b"ok")
    assert len(gateway.received) == 1


async def test_a_post_without_a_key_is_sent_once(door: "FrontDoor") -> None:
    gateways = [await door.gateway(slot, breaks) for slot in (1, 2)]
    answer = await door.send(UNKEYED)
    assert answer.problem["type"] == "/problems/upstream-unreachable"
    assert sum(len(gateway.received) for gateway in gateways) == 1


async def test_an_event_arrives_when_it_is_sent(door: "FrontDoor") -> None:
    go_on = asyncio.Event()

    async def stream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\ndata: 1\n\n")
        await go_on.wait()

    await door.gateway(1, stream)
    reader, writer = await door.open()
    writer.write(GET + b"\r\n")
    await reader.readuntil(b"data: 1\n\n")  # while the gateway has not ended its answer
    go_on.set()
    writer.close()


async def test_a_functions_answer_cannot_steer_nginx(door: "FrontDoor") -> None:
    await door.gateway(1, b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /metrics\r\nContent-Length: 2\r\n\r\nok")
    assert (await door.send(GET + b"\r\n")).body == b"ok"


async def test_the_date_of_an_answer_is_kept(door: "FrontDoor") -> None:
    await door.gateway(1, b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n")
    assert (await door.send(GET + b"\r\n")).headers["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"


async def test_a_large_body_arrives_whole(door: "FrontDoor") -> None:
    gateway = await door.gateway(1)
    body = b"0123456789abcdef" * 200_000
    await door.send(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert gateway.received[0].endswith(body)


async def test_the_access_log_has_a_json_line_with_everyone_who_was_tried(door: "FrontDoor", tmp_path: Path) -> None:
    await door.gateway(16)
    await door.send(b'GET /"quoted" HTTP/1.1\r\nHost: a\r\nX-Request-Id: found\r\n\r\n')
    entry = await logged(tmp_path)
    assert (entry["request_id"], entry["target"], entry["status"]) == ("found", '/"quoted"', "200")
    assert entry["upstream_status"].split(", ")[-1] == "200"


@pytest.mark.parametrize(
    ("answer", "level", "problem"),
    [
        (b"200 OK\r\n", "info", ""),
        (
            b'429 No\r\nProxy-Status: portico; error=http_request_denied; details="quota-exceeded"\r\n',
            "info",
            "quota-exceeded",
        ),
        (b'502 No\r\nProxy-Status: portico; error=destination_unavailable; details="a-b"\r\n', "error", "a-b"),
        (b'500 No\r\nProxy-Status: other; details="a-b"\r\n', "error", ""),
        (b'200 OK\r\nProxy-Status: portico; details="' + b"a" * 65 + b'"\r\n', "info", ""),
        (b'200 OK\r\nProxy-Status: portico; details="a b"\r\n', "info", ""),
    ],
)
async def test_the_access_log_says_how_grave_it_is_and_which_problem_a_gateway_made_of_it(
    door: "FrontDoor", tmp_path: Path, answer: bytes, level: str, problem: str
) -> None:
    await door.gateway(16, b"HTTP/1.1 " + answer + b"Content-Length: 0\r\n\r\n")
    await door.send(GET + b"\r\n")
    entry = await logged(tmp_path)
    assert (entry["level"], entry["problem"]) == (level, problem)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", entry["time"])


async def test_the_access_log_says_who_answered(door: "FrontDoor", tmp_path: Path) -> None:
    """A gateway; the server that it runs on, which knows no ids; or nobody behind nginx."""
    gateway = b"HTTP/1.1 400 Bad Request\r\nDate: x\r\nX-Request-Id: a\r\nContent-Length: 0\r\n\r\n"
    server = b"HTTP/1.1 400 Bad Request\r\nDate: x\r\nContent-Length: 0\r\n\r\n"
    answers = iter((gateway, server))

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    await door.gateway(16, script)
    said = [await door.send(GET + b"\r\n") for _ in range(2)] + [
        await door.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    ]
    while len(lines := (tmp_path / "access.log").read_text().splitlines()) < 3:  # noqa: ASYNC110  as in `logged`
        await asyncio.sleep(0.05)
    assert sorted(json.loads(line)["by"] for line in lines) == [
        "gateway",
        "nginx",
        "server",
    ]  # each worker writes its own
    assert [answer.headers.get("access-control-allow-origin") for answer in said] == [None, "*", "*"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        (b"HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        (b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 67108865\r\n\r\n", "413"),
        (b"POST /x#y HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "400"),
        (b"PATCH /x HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "417"),
        (b"POST /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "414"),
        (b"POST /x HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 17_000 + b"\r\n\r\n", "431"),
        (b"TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        (b"PROPFIND /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        (b"M-SEARCH /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        (KEYED, "502"),
        (UNKEYED, "502"),
    ],
    ids=lambda value: str(value[:20]),
)
async def test_the_access_log_has_the_method_that_was_asked_also_where_nginx_answers(
    door: "FrontDoor", tmp_path: Path, request_: bytes, status: str
) -> None:
    _, writer = await door.open()
    writer.write(request_)
    entry = await logged(tmp_path)
    writer.close()
    assert (entry["method"].encode(), entry["status"]) == (request_.partition(b" ")[0], status)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"\x01" * 15_000,
        b"GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b'"' * 15_000,
        b"GET /" + b"a" * 15_000 + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"\x01" * 15_000,
        b"GET /" + b'"' * 15_000 + b" HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + b"a" * 128,
        b"A" * 15_000 + b" /" + b'"' * 1000 + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"\x01" * 15_000,
    ],
    ids=["controls", "quotes", "target", "quotes in the target", "everything"],
)
async def test_a_line_of_the_access_log_fits_into_a_pipe_whatever_a_client_sends(
    door: "FrontDoor", tmp_path: Path, request_: bytes
) -> None:
    """A pipe takes 4 KiB as one piece; what is longer may be cut in two by another worker's line."""
    told = b'Proxy-Status: portico; details="' + b"a" * 64 + b'"\r\n'
    await door.gateway(16, b"HTTP/1.1 200 OK\r\n" + told + b"Content-Length: 0\r\n\r\n")
    await door.send(request_ + b"\r\n\r\n")
    await logged(tmp_path)
    line, end = (tmp_path / "access.log").read_bytes().split(b"\n")
    assert (len(line) < 4096, end) == (True, b"")


@pytest.mark.parametrize(
    "line", [b"no HTTP at all", b"\x16\x03\x01\x02", b"get /x HTTP/1.1", b"POST", b'P"ST /x HTTP/1.1']
)
async def test_what_is_no_request_is_logged_with_no_method(door: "FrontDoor", tmp_path: Path, line: bytes) -> None:
    await door.send(line + b"\r\n\r\n")
    assert (await logged(tmp_path))["method"] == ""


@pytest.mark.parametrize("wanted", [b"200-ok", b"100-continue, b", b"x"])
async def test_what_nobody_can_do_is_not_waited_for(door: "FrontDoor", wanted: bytes) -> None:
    gateway = await door.gateway(1)
    answer = await door.send(GET + b"Expect: " + wanted + b"\r\n\r\n")
    assert (answer.status, answer.problem["type"]) == (417, "/problems/expectation-failed")
    assert gateway.received == []


@pytest.mark.parametrize(
    "target", [b"/a#b", b"/#", b"/a?#", b"/a?b=<", b'/a?b="', b"/<a>", b"/`", b"/\xc3\xa9", b"/?\xff"]
)
@pytest.mark.parametrize("rest", [b"", b"Idempotency-Key: k\r\nContent-Length: 0\r\n"], ids=["plain", "keyed"])
async def test_a_target_that_a_gateways_server_would_not_take_goes_to_none(
    door: "FrontDoor", target: bytes, rest: bytes
) -> None:
    gateway = await door.gateway(1)
    method = b"POST" if rest else b"GET"
    answer = await door.send(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n" + rest + b"\r\n")
    assert (answer.status, answer.problem["type"]) == (400, "/problems/malformed-request")
    assert gateway.received == []


def test_every_problem_nginx_knows_is_one_of_ours() -> None:
    snippet = Path(__file__).parents[3].joinpath("nginx/snippets/problems.conf").read_text()
    said = [line for line in snippet.splitlines() if line.lstrip().startswith("return ")]
    assert said
    for line in said:
        document = json.loads(line.partition("'")[2].rpartition(",$portico_occurrence")[0].replace("\\'", "'") + "}")
        kind = SLUGS[document["type"].removeprefix("/problems/")]
        assert document == {
            "type": f"/problems/{kind.slug}",
            "title": kind.title,
            "status": kind.status,
            "detail": kind.explanation,
        }
