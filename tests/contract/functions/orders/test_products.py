"""What a client sees of products, on both databases."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from tests.contract.functions.orders.calls import MUG, Headers, place, pointers, problem, replace, stock, stocked

SHARED = "public, max-age=10, stale-while-revalidate=30, stale-if-error=300"


@pytest.fixture(autouse=True)
async def _products(client: AsyncClient, admin: Headers) -> None:
    await stocked(client, admin)


async def test_a_product_may_be_cached_by_everyone_under_its_group(client: AsyncClient) -> None:
    response = await client.get("/products/mug")
    assert response.json() == {"sku": "mug", **MUG}
    assert response.headers["cache-control"] == SHARED
    assert response.headers["cache-groups"] == '"product-mug"'


async def test_who_has_a_product_already_gets_304_with_the_same_headers(client: AsyncClient) -> None:
    first = await client.get("/products/mug")
    again = await client.get("/products/mug", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "cache-groups"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("sku", ["none", "%00", "a%0a", "%2e", "x" * 65, "%F0%9F%8D%B5"])
async def test_what_names_no_product_is_not_found(client: AsyncClient, sku: str) -> None:
    problem(await client.get(f"/products/{sku}"), 404, "not-found")


async def test_products_come_by_sku_page_by_page(client: AsyncClient) -> None:
    first = await client.get("/products?limit=3")
    assert [product["sku"] for product in first.json()["items"]] == ["book", "mug", "rare"]
    assert first.headers["cache-control"] == SHARED
    assert first.headers["cache-groups"] == '"products"'
    link = first.headers["link"].partition(">")[0].lstrip("<")
    last = await client.get(link)
    assert [product["sku"] for product in last.json()["items"]] == ["tea"]
    assert last.json()["next_cursor"] is None
    assert "link" not in last.headers


async def test_replacing_a_product_says_which_cached_copies_are_stale(client: AsyncClient, admin: Headers) -> None:
    response = await replace(client, admin, "mug", MUG | {"unit_price": 1})
    assert (response.status_code, response.json()) == (200, {"sku": "mug", **MUG, "unit_price": 1})
    assert response.headers["cache-group-invalidation"] == '"product-mug", "products"'
    assert (await client.get("/products/mug")).json()["unit_price"] == 1


async def test_a_product_is_replaced_in_the_state_that_was_read_or_not_at_all(
    client: AsyncClient, admin: Headers, alice: Headers
) -> None:
    read = (await client.get("/products/mug")).headers["etag"]
    await place(client, alice, ("mug", 3))
    late = await client.put("/products/mug", json=MUG, headers={**admin, "If-Match": read})
    assert problem(late, 412, "precondition-failed")
    now = (await client.get("/products/mug")).headers["etag"]
    assert (late.headers["etag"], await stock(client, "mug")) == (now, 7)
    assert (await client.put("/products/mug", json=MUG, headers={**admin, "If-Match": now})).status_code == 200
    assert await stock(client, "mug") == 10


async def test_a_product_that_is_there_is_not_replaced_by_who_names_no_state(
    client: AsyncClient, admin: Headers
) -> None:
    dear = MUG | {"unit_price": 1}
    problem(await client.put("/products/mug", json=dear, headers=admin), 428, "precondition-required")
    there = await client.put("/products/mug", json=dear, headers={**admin, "If-None-Match": "*"})
    problem(there, 412, "precondition-failed")
    other = await client.put("/products/mug", json=dear, headers={**admin, "If-None-Match": '"other"'})
    problem(other, 428, "precondition-required")
    assert (await client.get("/products/mug")).json()["unit_price"] == MUG["unit_price"]


async def test_what_is_as_it_is_put_already_needs_no_state(client: AsyncClient, admin: Headers) -> None:
    """The answer of the first may have been lost, and gateways try a PUT again."""
    again = await client.put("/products/mug", json=MUG, headers={**admin, "If-Match": '"of before"'})
    assert (again.status_code, again.json()) == (200, {"sku": "mug", **MUG})


async def test_a_product_that_is_not_there_is_in_no_state(client: AsyncClient, admin: Headers) -> None:
    for condition in ("*", '"any"'):
        problem(
            await client.put("/products/new", json=MUG, headers={**admin, "If-Match": condition}),
            412,
            "precondition-failed",
        )
    assert (await client.get("/products/new")).status_code == 404
    made = await client.put("/products/new", json=MUG, headers={**admin, "If-None-Match": "*"})
    assert made.status_code == 201


async def test_of_two_who_replace_the_same_state_one_does(client: AsyncClient, admin: Headers) -> None:
    read = {**admin, "If-Match": (await client.get("/products/mug")).headers["etag"]}
    dear = [client.put("/products/mug", json=MUG | {"unit_price": price}, headers=read) for price in range(5)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*dear)) == [200, 412, 412, 412, 412]


async def test_only_an_admin_replaces_a_product(client: AsyncClient, alice: Headers) -> None:
    problem(await client.put("/products/mug", json=MUG, headers=alice), 403, "forbidden")
    problem(await client.put("/products/mug", json=MUG), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"unit_price": -1}, "/unit_price"),
        ({"unit_price": 1_000_000_001}, "/unit_price"),
        ({"unit_price": 12.5}, "/unit_price"),
        ({"unit_price": "12"}, "/unit_price"),
        ({"unit_price": True}, "/unit_price"),
        ({"stock": -1}, "/stock"),
        ({"stock": None}, "/stock"),
        ({"currency": "eur"}, "/currency"),
        ({"currency": "EUR\n"}, "/currency"),
        ({"name": ""}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "mug\n"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_product_out_of_bounds_changes_nothing(
    client: AsyncClient, admin: Headers, changes: dict[str, Any], pointer: str
) -> None:
    assert pointers(await client.put("/products/mug", json=MUG | changes, headers=admin)) == [pointer]
    assert (await client.get("/products/mug")).json() == {"sku": "mug", **MUG}


@pytest.mark.parametrize("sku", ["%00", "a%0a", "-x", "a%20b", "x" * 65])
async def test_a_product_cannot_be_called_just_anything(client: AsyncClient, admin: Headers, sku: str) -> None:
    assert pointers(await client.put(f"/products/{sku}", json=MUG, headers=admin)) == ["/sku"]
