"""A page in a browser, through a real gateway: asked for beforehand, answered, refused."""

import httpx

SHOP = {"Origin": "https://shop.example"}
ASKING = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_a_preflight_never_reaches_the_function(client: httpx.AsyncClient) -> None:
    answer = await client.options("/pages", headers=SHOP | ASKING)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert answer.headers["vary"].startswith("access-control-request-method")
    assert answer.headers["x-request-id"]


async def test_an_answer_may_be_read_by_the_pages_that_the_route_names(client: httpx.AsyncClient) -> None:
    answer = await client.get("/pages", headers=SHOP)
    assert answer.json()["method"] == "GET"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    other = await client.get("/pages", headers={"Origin": "https://evil.example"})
    assert other.status_code == 200
    assert "access-control-allow-origin" not in other.headers
    assert other.headers["vary"] == "origin"


async def test_so_may_a_refusal(client: httpx.AsyncClient) -> None:
    answer = await client.put("/pages", headers=SHOP)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]


async def test_other_pages_are_told_no(client: httpx.AsyncClient) -> None:
    answer = await client.options("/pages", headers=ASKING | {"Origin": "null"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/preflight-refused"
    assert "access-control-allow-origin" not in answer.headers


async def test_a_route_that_says_nothing_of_pages_has_no_preflight(client: httpx.AsyncClient) -> None:
    for path, method in (("/echo", "PUT"), ("/pages", "DELETE"), ("/nowhere", "GET")):
        answer = await client.options(path, headers=SHOP | {"Access-Control-Request-Method": method})
        assert answer.status_code == (404 if path == "/nowhere" else 405)
        assert "access-control-allow-origin" not in answer.headers


async def test_an_options_request_that_is_no_preflight_is_for_no_route(client: httpx.AsyncClient) -> None:
    assert (await client.options("/pages", headers=SHOP)).status_code == 405
