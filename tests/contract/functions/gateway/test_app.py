"""The gateway as a process, in front of a function as a process: what a client sees and what a function gets."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.gateway.app import application
from functions.gateway.stages.keep import KEPT
from tests.contract.functions.gateway.town import ROOT, Served, Started, until
from tests.served import running
from tests.tokens import Signer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def refused(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem that was answered, which has the shape that every one has."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["proxy-status"].startswith("portico; error=")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["instance"] == answer.request.url.raw_path.partition(b"?")[0].decode()
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


async def got(answer: httpx.Response) -> dict[str, Any]:
    """What reached the function."""
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def under(told: dict[str, Any], name: str) -> list[str]:
    return [value for said, value in told["headers"] if said == name]


async def test_a_request_keeps_its_id_and_says_who_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/echo", headers={"x-request-id": "mine-1"})
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    assert answer.headers.get_list("x-instance") == ["gateway-0"]
    assert under(await got(answer), "x-request-id") == ["mine-1"]


@pytest.mark.parametrize("name", ["has space", "x" * 129, "a/b"])
async def test_an_id_that_breaks_the_rule_is_replaced(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get("/echo", headers={"x-request-id": name})
    (new,) = answer.headers.get_list("x-request-id")
    assert len(new) == 32
    assert under(await got(answer), "x-request-id") == [new]


@pytest.mark.parametrize("path", ["/", "/problems/not-found", "/problems/none", "/elsewhere", "/echo"])
async def test_every_answer_carries_an_id(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"x-request-id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]


async def test_a_function_does_not_speak_for_the_gateway(client: httpx.AsyncClient) -> None:
    answer = await client.get("/cookies", headers={"x-request-id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]


async def test_what_only_the_gateway_may_say_does_not_come_from_a_client(client: httpx.AsyncClient) -> None:
    spoofed = {
        "x-deadline-ms": "999999",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "elsewhere",
        "forwarded": "for=203.0.113.9",
        "x-real-ip": "203.0.113.9",
        "x-instance": "me",
        "X_Request_Id": "me",
        "x_forwarded_for": "203.0.113.9",
        "connection": "x-request-id, x-deadline-ms, x-forwarded-for",
    }
    told = await got(await client.get("/echo", headers=spoofed))
    assert under(told, "x-forwarded-for") == ["127.0.0.1"]
    assert under(told, "x-forwarded-proto") == ["http"]
    assert 0 < int(under(told, "x-deadline-ms")[0]) <= 5000
    assert len(under(told, "x-request-id")) == 1
    for name in ("x-forwarded-host", "forwarded", "x-real-ip", "x-instance", "x_request_id", "x_forwarded_for"):
        assert under(told, name) == []


async def test_what_ends_at_a_hop_is_not_passed_on(client: httpx.AsyncClient) -> None:
    headers = {"connection": "keep-alive, x-mine", "x-mine": "1", "te": "trailers", "proxy-connection": "a"}
    told = await got(await client.get("/echo", headers=headers))
    assert [name for name in ("connection", "x-mine", "te", "proxy-connection") if under(told, name)] == []


async def test_a_trace_is_continued(client: httpx.AsyncClient) -> None:
    told = await got(await client.get("/echo", headers={"traceparent": PARENT, "tracestate": "a=1"}))
    assert (under(told, "traceparent"), under(told, "tracestate")) == ([PARENT], ["a=1"])


async def test_a_trace_is_started(client: httpx.AsyncClient) -> None:
    told = await got(await client.get("/echo", headers={"tracestate": "a=1"}))
    assert len(under(told, "traceparent")[0]) == 55
    assert under(told, "tracestate") == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_method_stays_what_it_is(client: httpx.AsyncClient, method: str) -> None:
    assert (await got(await client.request(method, "/echo")))["method"] == method


async def test_a_get_may_be_asked_for_its_head(client: httpx.AsyncClient) -> None:
    head = await client.head("/echo")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize("size", [0, 1, 1000, KEPT, KEPT + 1, 1_000_000])
async def test_a_body_arrives_whole(client: httpx.AsyncClient, size: int) -> None:
    sent = bytes(index % 251 for index in range(size))
    told = await got(await client.put("/echo", content=sent))
    assert (told["length"], told["sha256"]) == (size, hashlib.sha256(sent).hexdigest())


async def test_a_chunked_body_arrives_whole(client: httpx.AsyncClient) -> None:
    told = await got(await client.put("/echo", content=in_parts(b"ab", b"c" * 100_000, b"d")))
    assert told["sha256"] == hashlib.sha256(b"ab" + b"c" * 100_000 + b"d").hexdigest()
    assert under(told, "transfer-encoding") == ["chunked"]


async def test_every_cookie_is_kept(client: httpx.AsyncClient) -> None:
    assert (await client.get("/cookies")).headers.get_list("set-cookie") == ["a=1", "b=2; Path=/"]


async def test_a_path_that_nobody_serves(client: httpx.AsyncClient) -> None:
    refused(await client.get("/elsewhere?a=b"), 404, "no-such-route")


async def test_a_method_that_a_path_does_not_have(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/echo")
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST, PUT"


async def test_without_a_token_it_is_said_which_kind_is_needed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/echo/mine")
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_forged_token(client: httpx.AsyncClient) -> None:
    answer = await client.get("/echo/mine", headers=bearing(Signer()))
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_token_without_the_role(client: httpx.AsyncClient, signer: Signer) -> None:
    answer = await client.put("/echo/owned", headers=bearing(signer))
    refused(answer, 403, "forbidden")
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


async def test_a_token_with_the_role(client: httpx.AsyncClient, signer: Signer) -> None:
    await got(await client.put("/echo/owned", headers=bearing(signer, role="admin")))


async def test_a_body_that_says_it_is_too_large(client: httpx.AsyncClient) -> None:
    refused(await client.post("/echo", content=b"x" * 1025), 413, "body-too-large")


async def test_a_body_that_turns_out_too_large(client: httpx.AsyncClient) -> None:
    refused(await client.post("/echo", content=in_parts(b"x" * 1024, b"x")), 413, "body-too-large")


async def test_a_key_where_none_is_honoured(client: httpx.AsyncClient) -> None:
    refused(await client.post("/echo", headers={"idempotency-key": "a"}), 400, "idempotency-key-refused")


async def test_a_key_where_keys_are_honoured(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo/keyed", headers={"idempotency-key": "a"})
    assert under(await got(answer), "idempotency-key") == ["a"]


async def test_a_function_that_does_not_answer_in_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/hang/a/moment")
    refused(answer, 504, "deadline-exceeded")
    assert answer.headers["proxy-status"] == 'portico; error=http_response_timeout; details="deadline-exceeded"'


async def test_a_limit_is_told_and_kept(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/echo/limited") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"default";q=2;w=3600'] * 3
    assert [answer.headers["ratelimit"].split(";")[:2] for answer in answers] == [
        ['"default"', "r=1"],
        ['"default"', "r=0"],
        ['"default"', "r=0"],
    ]
    told = refused(answers[2], 429, "quota-exceeded")
    assert told["violated-policies"] == ["default"]
    assert int(answers[2].headers["retry-after"]) >= int(answers[2].headers["ratelimit"].split("t=")[1])


async def test_keys_are_asked_for_late(start: Started) -> None:
    town, signer = start(), Signer()
    async with httpx.AsyncClient(base_url=town.url) as client:
        answer = await client.get("/echo/mine", headers=bearing(signer))
        refused(answer, 503, "keys-unavailable")
        assert answer.headers["retry-after"] == "1"
        town.key_set.write_bytes(signer.key_set)
        await until(lambda: gets_in(client, signer))


async def test_a_function_that_is_killed_while_it_works(start: Started) -> None:
    async with httpx.AsyncClient(base_url=start().url) as client:
        answer = await client.post("/die")
        told = refused(answer, 502, "upstream-unreachable")
        assert answer.headers["proxy-status"].startswith("portico; error=destination_unavailable; details=")
        assert "127.0.0.1" not in str(told)


async def test_a_function_that_is_not_there(start: Started) -> None:
    town = start(instances=0)
    async with httpx.AsyncClient(base_url=town.url) as client:
        answer = await client.get("/echo")
        refused(answer, 502, "upstream-unreachable")
        assert answer.headers["retry-after"] == "1"


async def test_a_gateway_that_is_told_to_stop_finishes_what_it_has_begun(start: Started) -> None:
    town = start()
    async with httpx.AsyncClient(base_url=town.url, timeout=30) as client, client.stream("GET", "/events") as answer:
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"data: 1\n\n"
        town.gateway.stop()
        async with httpx.AsyncClient(base_url=town.things[0].url) as inside:
            await inside.get("/release")
        assert await anext(parts) == b"data: 2\n\n"
    assert town.gateway.ended() == 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"DISCOVERY": "somewhere"}, "DISCOVERY: `somewhere` is neither"),
        ({"DISCOVERY": "dns:http"}, "DISCOVERY: `dns:http` is neither"),
        ({"TRUSTED_PROXIES": "10.0.0.0/33"}, "TRUSTED_PROXIES: '10.0.0.0/33'"),
        ({"REDIS_URL": "redis+sentinel://:secret@one"}, "REDIS_URL: is not the URL of a Redis; write `redis://"),
    ],
)
def test_a_gateway_that_is_told_nonsense_names_it_and_does_not_start(
    told: dict[str, str], said: str, tmp_path: Path
) -> None:
    known = {"DISCOVERY": "dns:8000", "FUNCTIONS_DIR": str(tmp_path)}
    with pytest.raises(RuntimeError) as raised:
        Served(ROOT / "functions" / "gateway", **known | told)
    assert said in str(raised.value)
    assert "Traceback" not in str(raised.value)


async def test_a_gateway_may_be_started_again_in_one_process(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"DISCOVERY": f"directory:{tmp_path}", "REDIS_URL": redis_url, "FUNCTIONS_DIR": str(ROOT / "functions")}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        async with running(application) as client:
            refused(await client.get("/products"), 502, "upstream-unreachable")


async def gets_in(client: httpx.AsyncClient, signer: Signer) -> bool:
    return (await client.get("/echo/mine", headers=bearing(signer))).status_code == 200


def bearing(signer: Signer, **claims: object) -> dict[str, str]:
    return {"authorization": f"Bearer {signer.token(**claims)}"}


async def in_parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_every_route_is_told_even_of_a_function_that_describes_none(client: httpx.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()
    assert {"/echo", "/echo/{rest}", "/hang/a/moment"} <= told["paths"].keys()
    assert told["paths"]["/echo/owned"]["put"]["security"] == [{"bearer": ["admin"]}]
    page = await client.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert all(f"<code>{path}</code>" in page.text for path in told["paths"])
