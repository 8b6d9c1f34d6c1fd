"""Whatever comes in, what goes out is a problem that points at it, and neither stock nor orders change."""

from collections.abc import Mapping
from typing import Any

import pytest
from httpx import AsyncClient, Response

Headers = Mapping[str, str]

KEY = {"Idempotency-Key": "a-key"}
JSON = {"Content-Type": "application/json"}
MUG = {"name": "Mug", "currency": "EUR", "unit_price": 1250, "stock": 5}
LINE = {"sku": "mug", "quantity": 1}
HUGE = 10**400
NO_AMOUNTS: tuple[object, ...] = (None, "", -1, 10**9 + 1, 2**63, HUGE, 0.5, [], {})


def each(name: str, *values: object) -> list[tuple[dict[str, Any], str]]:
    """A case for every value of one member."""
    return [({name: value}, f"/{name}") for value in values]


def in_line(name: str, *values: object) -> list[tuple[dict[str, Any], str]]:
    """A case for every value of one member of an order's first line."""
    return [({"items": [LINE | {name: value}]}, f"/items/0/{name}") for value in values]


@pytest.fixture(autouse=True)
async def _a_product(client: AsyncClient, admin: Headers) -> None:
    assert (await client.put("/products/mug", json=MUG, headers=admin)).status_code == 201


def problem(answer: Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def pointers(answer: Response) -> set[str]:
    assert problem(answer) == (422, "invalid-request"), answer.text
    return {error["pointer"] for error in answer.json()["errors"]}


async def place(client: AsyncClient, who: Headers, content: bytes = b"", **options: Any) -> Response:  # noqa: ANN401  of httpx
    return await client.post("/orders", content=content or None, headers={**who, **JSON, **KEY}, **options)


async def untouched(client: AsyncClient, who: Headers) -> None:
    assert (await client.get("/products/mug")).json()["stock"] == MUG["stock"]
    assert (await client.get("/orders", headers=who)).json()["items"] == []


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        *each("items", None, 5, "mug", {}, [], [LINE] * 101),
        ({"items": [None]}, "/items/0"),
        ({"items": ["mug"]}, "/items/0"),
        ({"items": [LINE, []]}, "/items/1"),
        *in_line("quantity", 0, -1, 1001, 2**63, -(2**63) - 1, HUGE, 1.5, 1e300, "1", None, [True], []),
        *in_line("sku", None, 5, "", ".", "x" * 65, "mug\x00", "mug\n", "m\u00fcg", "nothing", "\U0001f600"),
        ({"items": [LINE | {"more": 1}]}, "/items/0/more"),
        ({"items": [LINE], "user_id": "somebody"}, "/user_id"),
        ({}, "/items"),
    ],
)
async def test_an_order_out_of_bounds_is_pointed_at_and_takes_nothing(
    client: AsyncClient,
    alice: Headers,
    order: object,
    pointer: str,
) -> None:
    assert pointer in pointers(await place(client, alice, json=order))
    await untouched(client, alice)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        *each("unit_price", *NO_AMOUNTS),
        *each("stock", *NO_AMOUNTS),
        *each("currency", None, 5, "", "EU", "EURO", "eur", "E\x00R", "\u0415UR"),
        *each("name", None, 5, "", "\x00", "a\x00", "\x7f", "x" * 201),
    ],
)
async def test_a_product_out_of_bounds_is_pointed_at_and_stays_as_it_was(
    client: AsyncClient, admin: Headers, changes: dict[str, Any], pointer: str
) -> None:
    assert pointers(await client.put("/products/mug", json=MUG | changes, headers=admin)) == {pointer}
    assert (await client.get("/products/mug")).json() == MUG | {"sku": "mug"}


@pytest.mark.parametrize("sku", ["%00", "mug%00", "%ff", "mug%0A", ".", "x" * 65, "%20", "%F0%9F%98%80", "a%2Fb"])
async def test_a_sku_that_cannot_be_is_refused_for_writing_and_not_found_for_reading(
    client: AsyncClient, admin: Headers, sku: str
) -> None:
    put = await client.put(f"/products/{sku}", json=MUG, headers=admin)
    assert put.status_code in {404, 405, 422}, put.text
    if put.status_code == 422:
        assert pointers(put) == {"/sku"}
    assert (await client.get(f"/products/{sku}")).status_code == (200 if sku == "." else 404)
    assert len((await client.get("/products")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        (b"{", (400, "malformed-request")),
        (b'{"items": [{"sku": "mug", "quantity": 1}]} x', (400, "malformed-request")),
        (b'{"items": ' + b"[" * 60_000, (400, "malformed-request")),
        (b'{"items": [{"sku": "\\ud800", "quantity": 1}]}', (400, "malformed-request")),
        (b'{"items": [{"sku": "mug", "quantity": 1, "quantity": 2}]}', (422, "invalid-request")),
        (b'{"items": [], "items": [{"sku": "mug", "quantity": 1}]}', (422, "invalid-request")),
    ],
)
async def test_a_body_that_could_be_read_in_two_ways_or_none_takes_nothing(
    client: AsyncClient, alice: Headers, body: bytes, answered: tuple[int, str]
) -> None:
    assert problem(await place(client, alice, body)) == answered
    await untouched(client, alice)


@pytest.mark.parametrize("key", ["", " ", "a b\x00", "x" * 10_000, "\u00e9", '"', "\x7f"])
async def test_a_garbled_key_takes_nothing(client: AsyncClient, alice: Headers, key: str) -> None:
    headers = {b"Authorization": alice["Authorization"].encode(), b"Idempotency-Key": key.encode("latin-1")}
    assert (await client.post("/orders", json={"items": [LINE]}, headers=headers)).status_code == 400
    await untouched(client, alice)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=", "/limit"),
        ("limit=x", "/limit"),
        (f"limit={HUGE}", "/limit"),
        ("limit=5&limit=5", "/limit"),
        ("limit=%D9%A5", "/limit"),
        ("cursor=", "/cursor"),
        ("cursor=null", "/cursor"),
        ("cursor=%00", "/cursor"),
        ("cursor=x&cursor=y", "/cursor"),
        (f"cursor={'x' * 5000}", "/cursor"),
        ("cursor=%ff%fe", "/cursor"),
        ("curser=x", "/curser"),
        ("%00=1", "/\x00"),
        ("status=lost", "/status"),
        ("status=null", "/status"),
        ("status=paid&status=paid", "/status"),
        ("user_id=", "/user_id"),
        ("user_id=null", "/user_id"),
        ("user_id=%00", "/user_id"),
    ],
)
async def test_a_query_that_is_not_understood_is_pointed_at(
    client: AsyncClient, alice: Headers, query: str, pointer: str
) -> None:
    assert pointers(await client.get(f"/orders?{query}", headers=alice)) == {pointer}


@pytest.mark.parametrize("order_id", ["%00", "%ff", "x" * 5000, "0" * 36, "00000000-0000-0000-0000-00000000000%00"])
@pytest.mark.parametrize("step", ["", "/pay", "/cancel", "/ship"])
async def test_an_order_that_cannot_be_is_not_found(
    client: AsyncClient, alice: Headers, admin: Headers, order_id: str, step: str
) -> None:
    who = admin if step == "/ship" else alice
    answer = await client.request("POST" if step else "GET", f"/orders/{order_id}{step}", headers=who)
    assert problem(answer) == (404, "not-found")
