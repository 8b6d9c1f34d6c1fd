"""What the gateway shows to people."""

from collections.abc import AsyncIterator

import httpx
import pytest

from functions.gateway.documents.collect import Documents
from functions.gateway.edge import Edge, Served
from functions.gateway.pages import EXPLANATIONS, OWN
from functions.gateway.pages import pages as handlers
from functions.gateway.stages.identify import identify, trusting
from functions.gateway.table import Table

IDENTIFIED = identify(trusting(""), lambda: "new")


async def documents() -> Documents:
    return Documents(b'{"openapi": "3.1.1"}', "<h1>every route</h1>")


def table() -> Table[Served]:
    shown = handlers({"out-of-stock": "There is <less> than that."}, documents)
    return Table(OWN, lambda route: (route, IDENTIFIED(shown[route.path])))


@pytest.fixture
async def pages() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Edge(table(), IDENTIFIED, [(b"x-instance", b"one")]))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def test_home_has_a_name_and_links(pages: httpx.AsyncClient) -> None:
    told = (await pages.get("/")).json()
    assert told["name"] == "portico"
    assert "/problems/out-of-stock" in told["links"]["problems"]


async def test_the_document_is_there_for_tools(pages: httpx.AsyncClient) -> None:
    answer = await pages.get((await pages.get("/")).json()["links"]["openapi"])
    assert (answer.status_code, answer.json()) == (200, {"openapi": "3.1.1"})
    assert answer.headers["content-type"] == "application/openapi+json"


async def test_and_for_people_who_run_nothing_by_reading_it(pages: httpx.AsyncClient) -> None:
    answer = await pages.get((await pages.get("/")).json()["links"]["docs"])
    assert (answer.status_code, answer.text) == (200, "<h1>every route</h1>")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_every_problem_that_home_names_is_explained(pages: httpx.AsyncClient) -> None:
    for path in (await pages.get("/")).json()["links"]["problems"]:
        assert (await pages.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/docs", "/problems/overloaded"])
async def test_a_page_is_shown_again_only_when_it_has_changed(pages: httpx.AsyncClient, path: str) -> None:
    answer = await pages.get(path)
    assert answer.headers["cache-control"] == "no-cache"
    for tag in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}'):
        again = await pages.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (answer.headers["etag"], "no-cache")
    assert (await pages.get(path, headers={"If-None-Match": '"other"'})).content == answer.content


async def test_an_explanation_is_a_page_for_people(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/problems/quota-exceeded")
    assert answer.headers["content-type"].startswith("text/html")
    assert EXPLANATIONS["quota-exceeded"] in answer.text


async def test_a_functions_own_words_are_text_and_no_markup(pages: httpx.AsyncClient) -> None:
    assert "There is &lt;less&gt; than that." in (await pages.get("/problems/out-of-stock")).text


async def test_what_is_no_problem_is_not_found(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/problems/unheard-of")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(("said", "told"), [("mine", "mine"), ("not valid", "new"), (None, "new")])
async def test_a_page_carries_the_request_id(pages: httpx.AsyncClient, said: str | None, told: str) -> None:
    answer = await pages.get("/problems/unheard-of", headers={"x-request-id": said} if said else {})
    assert answer.headers.get_list("x-request-id") == [told]
    assert answer.json()["request_id"] == told


async def test_a_page_carries_what_is_on_every_answer(pages: httpx.AsyncClient) -> None:
    assert (await pages.get("/")).headers["x-instance"] == "one"


@pytest.mark.parametrize(
    "path", ["/users", "//", "/docs/", "/openapixjson", "/problems", "/problems/", "/problems/a/b"]
)
def test_other_paths_are_not_the_gateways_own(path: str) -> None:
    assert not table().find(path)


async def test_who_may_ask_for_a_page_how_is_told(pages: httpx.AsyncClient) -> None:
    answer = await pages.delete("/docs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
