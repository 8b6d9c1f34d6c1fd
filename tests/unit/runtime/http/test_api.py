"""runtime/http/api.py: JSON in, JSON out, and each error as a problem. Through httpx's ASGI transport, no sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Response, Router, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, Parameter

from runtime.http import api as module
from runtime.http.api import api
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, FORBIDDEN, KINDS, Problem
from runtime.http.validation import Fault, Invalid

if TYPE_CHECKING:
    from runtime.asgi import ASGIApp

JSON = {"content-type": "application/json"}


class Item(msgspec.Struct, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(min_length=1)]
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class Loose(msgspec.Struct):
    """Takes no notice of what it does not know."""

    sku: str


class DatabaseDown(ConnectionError):
    """What a driver raises, in a family of its own."""


@post("/items")
async def make(data: JSONBody[list[Item]]) -> list[Item]:
    return data


@put("/loose")
async def loose(data: JSONBody[Loose]) -> Loose:
    return data


@get("/items/{number:int}")
async def read(number: FromPath[int], limit: FromQuery[Annotated[int, Parameter(ge=1, le=100)]] = 20) -> dict[str, int]:
    return {"number": number, "limit": limit}


@get("/fails/{how:str}")
async def fail(how: FromPath[str]) -> Response[str]:
    raise {
        "problem": Problem(
            FORBIDDEN, "Not you.", headers=[(b"x-why", b"because")], retry_after=3, members={"role": "admin"}
        ),
        "invalid": Invalid([Fault(("cursor",), "is broken")]),
        "dependency": DatabaseDown("at db.internal:5432 with password hunter2"),
        "bug": ZeroDivisionError("hunter2"),
    }[how]


@asynccontextmanager
async def lifespan(_app: Litestar) -> AsyncIterator[None]:
    yield


site = api([make, loose, read, fail], lifespan=lifespan, failures={ConnectionError: DEPENDENCY_UNAVAILABLE})


async def ask(method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401  of httpx
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cast("ASGIApp", site)), base_url="http://api") as client:
        return await client.request(method, path, **options)


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem in an answer, which says the same in its status line."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["type"].removeprefix("/problems/") in {kind.slug for kind in KINDS}
    return body


def slug(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, problem(response)["type"].removeprefix("/problems/")


async def test_json_goes_in_and_comes_out() -> None:
    response = await ask("POST", "/items", json=[{"sku": "a", "quantity": 1}])
    assert (response.status_code, response.json()) == (201, [{"sku": "a", "quantity": 1}])


async def test_every_fault_of_a_body_is_pointed_at() -> None:
    response = await ask("POST", "/items", json=[{"sku": "", "quantity": 0}, {"skus": "a", "quantity": 1}])
    assert slug(response) == (422, "invalid-request")
    assert {error["pointer"] for error in problem(response)["errors"]} == {"/0/sku", "/0/quantity", "/1/sku", "/1/skus"}


@pytest.mark.parametrize("body", ["{}", "5", "null", '"x"'])
async def test_a_body_of_another_shape_is_invalid_as_a_whole(body: str) -> None:
    response = await ask("POST", "/items", content=body, headers=JSON)
    assert slug(response) == (422, "invalid-request")
    assert [error["pointer"] for error in problem(response)["errors"]] == [""]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[{]",
        b"\xff",
        b'[{"sku": "\xff", "quantity": 1}]',
        b'[{"sku": 1, oops',
        b"[" * 10_000,
        b'[{"sku":' + b"[" * 10_000,
    ],
)
async def test_a_body_that_is_not_json_is_malformed(body: bytes) -> None:
    assert slug(await ask("POST", "/items", content=body, headers=JSON)) == (400, "malformed-request")


async def test_a_member_that_nobody_looks_at_may_not_break_anything_either() -> None:
    body = b'{"sku": "a", "more": ' + b"[" * 10_000
    assert slug(await ask("PUT", "/loose", content=body, headers=JSON)) == (400, "malformed-request")


async def test_a_body_that_is_missing_is_malformed() -> None:
    assert slug(await ask("POST", "/items")) == (400, "malformed-request")


@given(st.binary(max_size=50))
async def test_no_body_is_our_fault(body: bytes) -> None:
    response = await ask("POST", "/items", content=body, headers=JSON)
    assert response.status_code in (201, 400, 422)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json; charset=utf8",
        "application/json; charset=UTF8",
        'application/json; charset="utf8"',
        "application/json; charset='utf-8'",
        "application/json ; CHARSET=Utf_8",
        "application/json; charset=us-ascii",
        'application/json; profile="a;b"; charset=utf8; v=1',
    ],
)
async def test_json_in_utf8_is_taken_however_it_is_said(content_type: str) -> None:
    response = await ask("PUT", "/loose", content=b'{"sku":"a"}', headers={"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/msgpack",
        "application/json; charset=latin-1",
    ],
)
async def test_another_media_type_is_not_taken(content_type: str) -> None:
    response = await ask("PUT", "/loose", content=b'{"sku":"a"}', headers={"content-type": content_type})
    assert slug(response) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", [";", ";;=", "/", "application/json;charset", "\x01", "é", "application/json;" * 50]
)
async def test_no_content_type_is_our_fault(content_type: str) -> None:
    headers = [(b"content-type", content_type.encode())]
    response = await ask("PUT", "/loose", content=b'{"sku":"a"}', headers=headers)
    assert response.status_code in (200, 415)


@pytest.mark.parametrize("limit", ["0", "101", "many", ""])
async def test_a_fault_of_the_query_is_named(limit: str) -> None:
    response = await ask("GET", "/items/1", params={"limit": limit})
    assert slug(response) == (422, "invalid-request")
    assert [error["pointer"] for error in problem(response)["errors"]] == ["/limit"]


async def test_a_path_that_nobody_serves_is_no_such_route() -> None:
    response = await ask("GET", "/nowhere")
    assert slug(response) == (404, "no-such-route")
    assert problem(response)["instance"] == "/nowhere"


async def test_a_method_that_nobody_serves_is_told_those_that_are() -> None:
    response = await ask("DELETE", "/items/1")
    assert slug(response) == (405, "method-not-allowed")
    assert {method.strip() for method in response.headers["allow"].split(",")} >= {"GET"}


@pytest.mark.parametrize(
    "path", ["/items/%ff", "/items/%00", "/items/é", "/%2e%2e", "/items/9" * 30, "/items/" + "9" * 5000]
)
async def test_no_path_is_our_fault(path: str) -> None:
    assert (await ask("GET", path)).status_code in (404, 422)


async def test_a_problem_leaves_whole() -> None:
    response = await ask("GET", "/fails/problem", headers={"x-request-id": "r-1"})
    body = problem(response)
    assert (response.headers["x-why"], response.headers["retry-after"]) == ("because", "3")
    assert (body["detail"], body["role"], body["request_id"]) == ("Not you.", "admin", "r-1")


async def test_faults_that_a_handler_finds_are_told_like_those_of_the_body() -> None:
    response = await ask("GET", "/fails/invalid")
    assert slug(response) == (422, "invalid-request")
    assert problem(response)["errors"] == [{"pointer": "/cursor", "detail": "is broken"}]


async def test_what_a_dependency_raises_has_the_name_that_it_was_given() -> None:
    response = await ask("GET", "/fails/dependency")
    assert slug(response) == (503, "dependency-unavailable")
    assert response.headers["retry-after"] == "1"
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (Problem(FORBIDDEN), [("refused", {"problem": "forbidden"})]),
        (
            Invalid([Fault(("a",), "no")] * 9),
            [("refused", {"problem": "invalid-request", "at": ["/a"] * 5})],
        ),
        (
            Problem(DEPENDENCY_UNAVAILABLE, "The database cannot be reached."),
            [
                (
                    "failed",
                    {
                        "problem": "dependency-unavailable",
                        "detail": "The database cannot be reached.",
                        "why": "OSError: gone",
                    },
                )
            ],
        ),
        (ZeroDivisionError(), []),  # told with its traceback, where it was caught
    ],
)
async def test_the_log_says_why_a_request_was_refused_or_failed(
    raised: Exception, told: list[tuple[str, dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(module, "tell_refusal", lambda _event, **what: said.append(("refused", what)))
    monkeypatch.setattr(module, "tell_failure", lambda _event, **what: said.append(("failed", what)))

    @get("/it")
    async def it() -> None:
        raise raised from OSError("gone")

    @asynccontextmanager
    async def nothing(_: Litestar) -> AsyncIterator[None]:
        yield

    transport = httpx.ASGITransport(cast("Any", api([it], lifespan=nothing, failures={})))
    async with httpx.AsyncClient(transport=transport, base_url="http://it") as client:
        await client.get("/it")
    assert said == told


async def test_our_fault_shows_nothing_of_the_inside() -> None:
    response = await ask("GET", "/fails/bug")
    assert slug(response) == (500, "internal-error")
    assert "hunter2" not in response.text
    assert "ZeroDivision" not in response.text


async def test_there_is_no_schema_but_the_gateways() -> None:
    for path in ("/schema", "/schema/openapi.json", "/docs"):
        assert slug(await ask("GET", path)) == (404, "no-such-route")


async def test_a_problem_is_the_answer_also_to_head() -> None:
    assert (await ask("HEAD", "/nowhere")).status_code == 404


async def test_a_member_that_comes_twice_is_pointed_at() -> None:
    response = await ask("POST", "/items", content=b'[{"sku": "a", "quantity": 1, "quantity": 2}]', headers=JSON)
    assert slug(response) == (422, "invalid-request")
    assert [error["pointer"] for error in problem(response)["errors"]] == ["/0/quantity"]


async def test_text_is_not_read_as_a_number() -> None:
    response = await ask("POST", "/items", json=[{"sku": "a", "quantity": "1"}])
    assert [error["pointer"] for error in problem(response)["errors"]] == ["/0/quantity"]


async def test_a_body_in_a_content_encoding_is_not_guessed_at() -> None:
    response = await ask("POST", "/items", content=b"[]", headers=JSON | {"content-encoding": "gzip"})
    assert slug(response) == (415, "unsupported-media-type")


async def test_a_handler_that_takes_no_body_takes_no_notice_of_its_type() -> None:
    response = await ask("GET", "/items/5", headers={"content-type": "text/plain"})
    assert response.status_code == 200


async def test_dependencies_are_resolved_one_after_the_other_in_the_same_task() -> None:
    """For several at once Litestar would start a task each."""
    tasks: list[asyncio.Task[Any] | None] = []

    async def first() -> int:
        tasks.append(asyncio.current_task())
        return 1

    async def second() -> int:
        tasks.append(asyncio.current_task())
        return 2

    @get("/both")
    async def both(one: NamedDependency[int], two: NamedDependency[int]) -> list[int]:
        tasks.append(asyncio.current_task())
        return sorted([one, two])

    provided = {"one": Provide(first), "two": Provide(second)}
    made = api([Router("/", route_handlers=[both], dependencies=provided)], lifespan=lifespan, failures={})
    transport = httpx.ASGITransport(cast("ASGIApp", made))
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        assert (await client.get("/both")).json() == [1, 2]
    assert len({id(task) for task in tasks}) == 1
