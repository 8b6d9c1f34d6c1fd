"""What is shown has a tag, and who names it isn't shown it again. Called through httpx's ASGI transport, no sockets."""

from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from litestar import Litestar, Request, Response, get, post

from runtime.http.conditional import shown, tagged
from runtime.http.tags import etag

if TYPE_CHECKING:
    from runtime.asgi import ASGIApp

KEPT = {"Cache-Control": "no-cache"}
TAG = etag(b'{"a":1}')


@get("/shown")
async def show(request: Request[Any, Any, Any]) -> Response[bytes]:
    return shown(request, {"a": 1}, headers=KEPT)


@get("/tagged")
async def tag_(request: Request[Any, Any, Any]) -> Response[bytes]:
    return tagged(request, b'{"a":1}', headers=KEPT, media_type="application/jwk-set+json")


@post("/made")
async def make(request: Request[Any, Any, Any]) -> Response[bytes]:
    return shown(request, {"a": 1}, headers=KEPT, status=201)


async def ask(method: str, path: str, tag: str = "") -> httpx.Response:
    app = Litestar([show, tag_, make], openapi_config=None, logging_config=None)
    transport = httpx.ASGITransport(cast("ASGIApp", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
        return await client.request(method, path, headers={"If-None-Match": tag} if tag else {})


@pytest.mark.parametrize(("path", "kind"), [("/shown", "application/json"), ("/tagged", "application/jwk-set+json")])
async def test_what_is_shown_has_its_tag(path: str, kind: str) -> None:
    answer = await ask("GET", path, '"other"')
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b'{"a":1}', TAG)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (kind, "no-cache")


@pytest.mark.parametrize("path", ["/shown", "/tagged"])
@pytest.mark.parametrize("named", [TAG, f"W/{TAG}", "*"])
async def test_who_has_it_is_told_so_and_no_more(path: str, named: str) -> None:
    answer = await ask("GET", path, named)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", TAG)
    assert answer.headers["cache-control"] == "no-cache"


async def test_what_was_made_is_shown_in_any_case() -> None:
    assert (await ask("POST", "/made", TAG)).status_code == 201
