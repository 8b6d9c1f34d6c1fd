"""What a client sees of orders, on both databases."""

import asyncio

import pytest
from httpx import AsyncClient

from runtime.database.ids import uuid7
from tests.contract.functions.orders.calls import (
    MUG,
    Headers,
    place,
    pointers,
    problem,
    replace,
    stock,
    stocked,
    wanted,
)


@pytest.fixture(autouse=True)
async def _products(client: AsyncClient, admin: Headers) -> None:
    await stocked(client, admin)


@pytest.mark.parametrize("path", ["/products", "/orders"])
async def test_a_broken_cursor_is_told_with_its_pointer(client: AsyncClient, alice: Headers, path: str) -> None:
    assert pointers(await client.get(f"{path}?cursor=broken", headers=alice)) == ["/cursor"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"If-Match": '"other"'}, False),
        ({"If-Match": "*"}, True),
        ({"If-None-Match": "*"}, False),
        ({"If-None-Match": '"other"'}, True),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, False),
        ({"If-Unmodified-Since": "Fri, 31 Dec 2999 23:59:59 GMT"}, True),
        ({"If-Unmodified-Since": "yesterday"}, True),
    ],
)
async def test_an_order_goes_on_only_from_the_state_that_was_meant(
    client: AsyncClient,
    alice: Headers,
    admin: Headers,
    condition: Headers,
    holds: bool,  # noqa: FBT001  a parameter
) -> None:
    order = (await place(client, alice, ("mug", 1))).headers["location"]
    for verb, who, status in (("pay", alice, "paid"), ("ship", admin, "shipped")):
        answer = await client.post(f"{order}/{verb}", headers={**who, **condition})
        now = (await client.get(order, headers=alice)).json()["status"]
        assert (answer.status_code, now) == ((200, status) if holds else (412, "placed"))
        if not holds:
            problem(answer, 412, "precondition-failed")
            return
    again = await client.post(f"{order}/ship", headers={**admin, "If-Match": '"of before"'})
    assert again.status_code == 200  # it has happened already


async def test_an_order_holds_the_prices_of_its_moment(client: AsyncClient, alice: Headers, admin: Headers) -> None:
    response = await place(client, alice, ("tea", 2), ("mug", 3))
    order = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/orders/{order['id']}"
    assert order["user_id"] == "019ab000-0000-7000-8000-00000000000a"
    assert (order["status"], order["currency"], order["total"]) == ("placed", "EUR", 2 * 500 + 3 * 1290)
    assert order["items"] == [
        {"sku": "tea", "quantity": 2, "unit_price": 500},
        {"sku": "mug", "quantity": 3, "unit_price": 1290},
    ]
    assert order["created_at"] == order["updated_at"]
    assert (await replace(client, admin, "tea", MUG | {"unit_price": 9999})).status_code == 200
    assert (await client.get(f"/orders/{order['id']}", headers=alice)).json() == order


async def test_an_order_takes_its_items_from_stock(client: AsyncClient, alice: Headers) -> None:
    await place(client, alice, ("mug", 3))
    assert await stock(client, "mug") == 7


async def test_an_order_reads_back_under_the_tag_it_was_made_with(client: AsyncClient, alice: Headers) -> None:
    made = await place(client, alice, ("mug", 1))
    read = await client.get(made.headers["location"], headers=alice)
    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])
    assert read.headers["cache-control"] == "private, no-cache"
    held = {**alice, "If-None-Match": made.headers["etag"]}
    assert (await client.get(made.headers["location"], headers=held)).status_code == 304


async def test_what_lacks_is_named_and_nothing_is_taken(client: AsyncClient, alice: Headers) -> None:
    refused = await place(client, alice, ("tea", 1), ("mug", 11), ("rare", 1))
    assert problem(refused, 409, "out-of-stock")["skus"] == ["mug", "rare"]
    assert [await stock(client, sku) for sku in ("tea", "mug", "rare")] == [10, 10, 0]
    assert (await client.get("/orders", headers=alice)).json()["items"] == []


async def test_a_refusal_is_the_answer_of_its_key_also_when_there_is_stock_again(
    client: AsyncClient, alice: Headers, admin: Headers
) -> None:
    first = await place(client, alice, ("rare", 1), key="k")
    assert (await replace(client, admin, "rare", MUG)).status_code == 200
    again = await place(client, alice, ("rare", 1), key="k")
    assert problem(again, 409, "out-of-stock") == problem(first, 409, "out-of-stock")
    assert again.headers["idempotency-replayed"] == "true"
    assert (await place(client, alice, ("rare", 1), key="other")).status_code == 201


async def test_unknown_products_repeated_ones_and_other_currencies_are_told_all_at_once(
    client: AsyncClient, alice: Headers
) -> None:
    refused = await place(client, alice, ("mug", 1), ("none", 1), ("book", 1), ("mug", 1))
    assert pointers(refused) == ["/items/1/sku", "/items/2/sku", "/items/3/sku"]
    assert await stock(client, "mug") == 10


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/items"),
        ({"items": []}, "/items"),
        ({"items": [{"sku": f"s{n}", "quantity": 1} for n in range(101)]}, "/items"),
        ({"items": None}, "/items"),
        ([], ""),
        (wanted(("mug", 0)), "/items/0/quantity"),
        (wanted(("mug", 1), ("tea", 1001)), "/items/1/quantity"),
        (wanted(("", 1)), "/items/0/sku"),
        (wanted(("a\x00", 1)), "/items/0/sku"),
        ({"items": [{"sku": "mug"}]}, "/items/0/quantity"),
        ({"items": [{"sku": "mug", "quantity": 1, "unit_price": 1}]}, "/items/0/unit_price"),
        (wanted(("mug", 1)) | {"total": 1}, "/total"),
    ],
)
async def test_an_order_out_of_bounds_is_told_with_its_pointer(
    client: AsyncClient, alice: Headers, body: object, pointer: str
) -> None:
    headers = {**alice, "Idempotency-Key": "k"}
    assert pointers(await client.post("/orders", json=body, headers=headers)) == [pointer]
    assert (await place(client, alice, ("mug", 1), key="k")).status_code == 201, "the key is still free"


@pytest.mark.parametrize("body", [b"", b"{", b'{"items":[{"sku":"\xff","quantity":1}]}', b"[" * 100_000])
async def test_what_is_not_json_is_malformed(client: AsyncClient, alice: Headers, body: bytes) -> None:
    headers = {**alice, "Idempotency-Key": "k", "Content-Type": "application/json"}
    problem(await client.post("/orders", content=body, headers=headers), 400, "malformed-request")


async def test_the_same_key_and_body_get_the_same_answer(client: AsyncClient, alice: Headers) -> None:
    first = await place(client, alice, ("mug", 1), key="k")
    again = await place(client, alice, ("mug", 1), key="k")
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("location", "etag", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await stock(client, "mug") == 9


async def test_a_body_that_says_the_same_in_other_bytes_is_the_same_body(client: AsyncClient, alice: Headers) -> None:
    headers = {**alice, "Idempotency-Key": "k", "Content-Type": "application/json"}
    one = await client.post("/orders", content=b'{"items":[{"sku":"mug","quantity":1}]}', headers=headers)
    other = await client.post("/orders", content=b'{ "items": [{"quantity": 1, "sku": "mug"}] }', headers=headers)
    assert (other.status_code, other.content) == (201, one.content)


async def test_the_same_key_with_another_body_is_refused(client: AsyncClient, alice: Headers) -> None:
    await place(client, alice, ("mug", 1), key="k")
    problem(await place(client, alice, ("mug", 2), key="k"), 422, "idempotency-mismatch")
    assert await stock(client, "mug") == 9


async def test_a_key_belongs_to_its_user(client: AsyncClient, alice: Headers, bob: Headers) -> None:
    one = await place(client, alice, ("mug", 1), key="k")
    other = await place(client, bob, ("mug", 1), key="k")
    assert (one.status_code, other.status_code) == (201, 201)
    assert one.json()["id"] != other.json()["id"]


async def test_an_order_without_a_key_is_refused(client: AsyncClient, alice: Headers) -> None:
    problem(await client.post("/orders", json=wanted(("mug", 1)), headers=alice), 400, "idempotency-key-missing")


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("a", "a"), ("a", ""), ("", "a"), ('"a', 'b"')])
async def test_an_order_with_two_keys_is_refused(client: AsyncClient, alice: Headers, first: str, second: str) -> None:
    """The gateway's nginx, the gateway and the function might each take another of them."""
    headers = [*alice.items(), ("Idempotency-Key", first), ("Idempotency-Key", second)]
    problem(await client.post("/orders", json=wanted(("mug", 1)), headers=headers), 400, "malformed-request")
    assert (await client.get("/orders", headers=alice)).json()["items"] == []


async def test_two_tokens_are_none(client: AsyncClient, alice: Headers) -> None:
    headers = [("Authorization", "Bearer x.y.z"), *alice.items()]
    for each in (headers, headers[::-1]):
        problem(await client.get("/orders", headers=each), 401, "unauthenticated")


async def test_an_order_needs_a_token(client: AsyncClient) -> None:
    refused = await place(client, {}, ("mug", 1))
    problem(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_twenty_at_once_with_one_key_make_one_order_and_get_equal_answers(
    client: AsyncClient, alice: Headers
) -> None:
    answers = await asyncio.gather(*(place(client, alice, ("mug", 1), ("tea", 1), key="k") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert [await stock(client, sku) for sku in ("mug", "tea")] == [9, 9]
    assert len((await client.get("/orders", headers=alice)).json()["items"]) == 1


async def test_buyers_at_once_never_get_more_than_there_is(client: AsyncClient, alice: Headers, bob: Headers) -> None:
    baskets = [(("mug", 2), ("tea", 1)), (("tea", 1), ("mug", 2))]
    answers = await asyncio.gather(*(place(client, (alice, bob)[n % 2], *baskets[n % 2]) for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 15
    assert [await stock(client, sku) for sku in ("mug", "tea")] == [0, 5]


async def test_a_users_orders_come_newest_first_page_by_page(client: AsyncClient, alice: Headers, bob: Headers) -> None:
    made = [(await place(client, alice, ("mug", 1))).json() for _ in range(5)]
    await place(client, bob, ("mug", 1))
    first = await client.get("/orders?limit=2", headers=alice)
    assert first.headers["cache-control"] == "private, no-cache"
    newer = await place(client, alice, ("mug", 1))
    seen, link = first.json()["items"], first.headers.get("link")
    while link:
        following = await client.get(link.partition(">")[0].lstrip("<"), headers=alice)
        seen, link = seen + following.json()["items"], following.headers.get("link")
    assert seen == made[::-1]
    assert newer.json()["id"] not in {order["id"] for order in seen}


async def test_orders_can_be_asked_for_by_status(client: AsyncClient, alice: Headers) -> None:
    paid, placed = [(await place(client, alice, ("mug", 1))).json()["id"] for _ in range(2)]
    await client.post(f"/orders/{paid}/pay", headers=alice)
    for status, expected in {"paid": [paid], "placed": [placed], "shipped": []}.items():
        found = (await client.get(f"/orders?status={status}", headers=alice)).json()["items"]
        assert [order["id"] for order in found] == expected
    assert pointers(await client.get("/orders?status=lost&limit=0", headers=alice)) == ["/limit", "/status"]


async def test_an_admin_may_ask_for_anothers_orders_and_nobody_else(
    client: AsyncClient, alice: Headers, bob: Headers, admin: Headers
) -> None:
    order = (await place(client, alice, ("mug", 1))).json()
    theirs = f"/orders?user_id={order['user_id']}"
    assert (await client.get(theirs, headers=admin)).json()["items"] == [order]
    assert (await client.get(theirs, headers=alice)).json()["items"] == [order]
    problem(await client.get(theirs, headers=bob), 403, "forbidden")


async def test_anothers_order_is_not_told_from_none(client: AsyncClient, alice: Headers, bob: Headers) -> None:
    order = (await place(client, alice, ("mug", 1))).json()["id"]
    for path in (f"/orders/{order}", f"/orders/{uuid7()}", "/orders/%00", "/orders/me"):
        problem(await client.get(path, headers=bob), 404, "not-found")
    for step in ("pay", "cancel"):
        problem(await client.post(f"/orders/{order}/{step}", headers=bob), 404, "not-found")
    assert (await client.get(f"/orders/{order}", headers=alice)).json()["status"] == "placed"


async def test_an_order_is_paid_then_shipped_and_each_step_may_be_repeated(
    client: AsyncClient, alice: Headers, admin: Headers
) -> None:
    order = (await place(client, alice, ("mug", 1))).json()
    for step, who, status in (("pay", alice, "paid"), ("ship", admin, "shipped")):
        done = await client.post(f"/orders/{order['id']}/{step}", headers=who)
        again = await client.post(f"/orders/{order['id']}/{step}", headers=who)
        assert (done.status_code, done.json()["status"]) == (200, status)
        assert (again.status_code, again.json()) == (200, done.json())
        assert done.json()["updated_at"] >= order["updated_at"]
    refused = await client.post(f"/orders/{order['id']}/cancel", headers=alice)
    said = problem(refused, 409, "invalid-transition")
    assert (said["from"], said["to"]) == ("shipped", "cancelled")


async def test_only_an_admin_ships(client: AsyncClient, alice: Headers) -> None:
    order = (await place(client, alice, ("mug", 1))).json()["id"]
    problem(await client.post(f"/orders/{order}/ship", headers=alice), 403, "forbidden")


async def test_a_cancelled_order_gives_back_once_however_often_it_is_cancelled(
    client: AsyncClient, alice: Headers
) -> None:
    order = (await place(client, alice, ("mug", 4), ("tea", 1))).json()["id"]
    answers = await asyncio.gather(*(client.post(f"/orders/{order}/cancel", headers=alice) for _ in range(8)))
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "cancelled")}
    assert [await stock(client, sku) for sku in ("mug", "tea")] == [10, 10]


async def test_of_paying_and_cancelling_and_shipping_at_once_no_step_is_left_out(
    client: AsyncClient, alice: Headers, admin: Headers
) -> None:
    order = (await place(client, alice, ("mug", 4))).json()["id"]
    steps = [("pay", alice), ("cancel", alice), ("ship", admin)]
    await asyncio.gather(*(client.post(f"/orders/{order}/{step}", headers=who) for step, who in steps * 5))
    status = (await client.get(f"/orders/{order}", headers=alice)).json()["status"]
    assert (status, await stock(client, "mug")) in {("paid", 6), ("shipped", 6), ("cancelled", 10)}


async def test_health_knows_the_database(client: AsyncClient) -> None:
    assert (await client.get("/health")).json()["dependencies"] == {"database": "up"}
