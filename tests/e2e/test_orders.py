"""Every row of the contract's table of orders, through the front door."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.people import log_in
from tests.e2e.stack import Stack

Bearer = dict[str, str]
Json = dict[str, Any]

KEPT = "public, max-age=10, stale-while-revalidate=30, stale-if-error=300"


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody who may put products and ship orders."""
    email = f"{uuid.uuid4()}@example.org"
    password = stack.run("admin", email, "--create").split()[-1]
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        session = client.post("/sessions", json={"email": email, "password": password}).json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        yield client


@pytest.fixture
def ann(client: httpx.Client) -> Bearer:
    return log_in(client)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def product(admin: httpx.Client, *, stock: int = 10, currency: str = "EUR") -> str:
    """The sku of a new product that costs 250 cents."""
    sku = uuid.uuid4().hex
    told = {"name": "A thing", "currency": currency, "unit_price": 250, "stock": stock}
    assert admin.put(f"/products/{sku}", json=told).status_code == 201
    return sku


def place(client: httpx.Client, who: Bearer, *skus: str, key: str | None = None, quantity: int = 1) -> httpx.Response:
    items = [{"sku": sku, "quantity": quantity} for sku in skus]
    headers = {**who, "Idempotency-Key": key or str(uuid.uuid4())}
    return client.post("/orders", json={"items": items}, headers=headers)


def placed(client: httpx.Client, who: Bearer, sku: str, quantity: int = 1) -> Json:
    answer = place(client, who, sku, quantity=quantity)
    assert answer.status_code == 201, answer.text
    order: Json = answer.json()
    return order


def stock(client: httpx.Client, sku: str) -> int:
    """What is left, past every cache."""
    left: int = client.get(f"/products/{sku}", headers={"Cache-Control": "no-cache"}).json()["stock"]
    return left


def test_get_products_lists_them_page_by_page_for_caches_to_keep(client: httpx.Client) -> None:
    first = client.get("/products?limit=5")
    assert first.headers["Cache-Control"] == KEPT
    assert first.headers["Cache-Groups"] == '"products"'
    assert first.headers["Link"].endswith('rel="next"')
    second = client.get(f"/products?limit=5&cursor={first.json()['next_cursor']}").json()
    skus = [item["sku"] for item in [*first.json()["items"], *second["items"]]]
    assert len(skus) == 10
    assert skus == sorted(set(skus))


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "limit=1&limit=2", "curser=x"])
def test_get_products_refuses_a_query_that_it_does_not_understand(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/products?{query}")
    assert refused(answer) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{query.partition('=')[0]}"]


def test_get_products_sku_shows_one_for_caches_to_keep(client: httpx.Client, admin: httpx.Client) -> None:
    sku = product(admin)
    answer = client.get(f"/products/{sku}")
    assert answer.json() == {"sku": sku, "name": "A thing", "currency": "EUR", "unit_price": 250, "stock": 10}
    assert answer.headers["Cache-Control"] == KEPT
    assert client.get(f"/products/{sku}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert refused(client.get("/products/no-such-thing")) == (404, "not-found")


def test_put_products_sku_adds_and_replaces_for_admins_only(
    client: httpx.Client, admin: httpx.Client, ann: Bearer
) -> None:
    told = {"name": "Another", "currency": "EUR", "unit_price": 1, "stock": 1}
    sku = product(admin)
    assert refused(admin.put(f"/products/{sku}", json=told)) == (428, "precondition-required")
    assert refused(admin.put(f"/products/{sku}", json=told, headers={"If-Match": '"other"'})) == (
        412,
        "precondition-failed",
    )
    state = {"If-Match": admin.get(f"/products/{sku}", headers={"Cache-Control": "no-cache"}).headers["ETag"]}
    answer = admin.put(f"/products/{sku}", json=told, headers=state)
    assert (answer.status_code, answer.json()) == (200, told | {"sku": sku})
    assert f'"product-{sku}"' in answer.headers["Cache-Group-Invalidation"]
    assert refused(client.put(f"/products/{sku}", json=told, headers=ann)) == (403, "forbidden")
    assert refused(client.put(f"/products/{sku}", json=told)) == (401, "unauthenticated")


def test_post_orders_places_one_order_for_a_key(client: httpx.Client, admin: httpx.Client, ann: Bearer) -> None:
    sku = product(admin)
    answer = place(client, ann, sku, key="one", quantity=2)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/orders/{answer.json()['id']}"
    assert (answer.json()["total"], answer.json()["status"]) == (500, "placed")
    assert stock(client, sku) == 8
    again = place(client, ann, sku, key="one", quantity=2)
    assert (again.status_code, again.json()) == (201, answer.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert refused(place(client, ann, sku, key="one")) == (422, "idempotency-mismatch")
    assert stock(client, sku) == 8


def test_post_orders_refuses_what_cannot_be_had_and_takes_nothing(
    client: httpx.Client, admin: httpx.Client, ann: Bearer
) -> None:
    euro, dollar = product(admin, stock=1), product(admin, currency="USD")
    lacking = place(client, ann, euro, quantity=2)
    assert refused(lacking) == (409, "out-of-stock")
    assert lacking.json()["skus"] == [euro]
    for skus, pointer in [(("unknown",), "/items/0/sku"), ((euro, dollar), "/items/1/sku")]:
        answer = place(client, ann, *skus)
        assert refused(answer) == (422, "invalid-request")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    keyless = client.post("/orders", json={"items": [{"sku": euro, "quantity": 1}]}, headers=ann)
    assert refused(keyless) == (400, "idempotency-key-missing")
    assert stock(client, euro) == 1


def test_get_orders_lists_ones_own_newest_first(client: httpx.Client, admin: httpx.Client, ann: Bearer) -> None:
    sku = product(admin)
    orders = [placed(client, ann, sku) for _ in range(3)]
    client.post(f"/orders/{orders[0]['id']}/pay", headers=ann)
    first = client.get("/orders?limit=2", headers=ann)
    assert first.json()["items"] == orders[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    second = client.get(f"/orders?limit=2&cursor={first.json()['next_cursor']}", headers=ann).json()
    assert ([order["id"] for order in second["items"]], second["next_cursor"]) == ([orders[0]["id"]], None)
    assert len(client.get("/orders?status=placed", headers=ann).json()["items"]) == 2
    theirs = f"/orders?user_id={orders[0]['user_id']}"
    assert len(admin.get(theirs).json()["items"]) == 3
    assert refused(client.get(theirs, headers=log_in(client))) == (403, "forbidden")


def test_get_orders_id_shows_an_order_to_its_owner_only(client: httpx.Client, admin: httpx.Client, ann: Bearer) -> None:
    order = placed(client, ann, product(admin))
    answer = client.get(f"/orders/{order['id']}", headers=ann)
    assert (answer.status_code, answer.json()) == (200, order)
    seen = ann | {"If-None-Match": answer.headers["ETag"]}
    assert client.get(f"/orders/{order['id']}", headers=seen).status_code == 304
    assert refused(client.get(f"/orders/{order['id']}", headers=log_in(client))) == (404, "not-found")


def test_post_orders_id_pay_and_ship_move_an_order_on_once(
    client: httpx.Client, admin: httpx.Client, ann: Bearer
) -> None:
    path = f"/orders/{placed(client, ann, product(admin))['id']}"
    early = admin.post(f"{path}/ship")
    assert refused(early) == (409, "invalid-transition")
    assert (early.json()["from"], early.json()["to"]) == ("placed", "shipped")
    for _ in range(2):
        assert client.post(f"{path}/pay", headers=ann).json()["status"] == "paid"
    assert refused(client.post(f"{path}/ship", headers=ann)) == (403, "forbidden")
    for _ in range(2):
        assert admin.post(f"{path}/ship").json()["status"] == "shipped"
    assert refused(client.post(f"{path}/cancel", headers=ann)) == (409, "invalid-transition")


def test_post_orders_id_cancel_gives_back_what_was_taken_once(
    client: httpx.Client, admin: httpx.Client, ann: Bearer
) -> None:
    sku = product(admin)
    order = placed(client, ann, sku, quantity=4)
    assert stock(client, sku) == 6
    assert refused(client.post(f"/orders/{order['id']}/cancel", headers=log_in(client))) == (404, "not-found")
    for _ in range(2):
        assert client.post(f"/orders/{order['id']}/cancel", headers=ann).json()["status"] == "cancelled"
    assert stock(client, sku) == 10
