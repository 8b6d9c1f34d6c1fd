"""The main job, through the front door: register, log in, look, order, read it back."""

import json
import uuid

import httpx

from tests.e2e.people import PASSWORD, log_in, order, register
from tests.e2e.stack import Stack


def test_a_person_registers_logs_in_orders_and_reads_the_order_back(client: httpx.Client) -> None:
    email = f"{uuid.uuid4()}@example.org"
    registered = register(client, email)
    assert (registered.status_code, registered.json()["email"]) == (201, email)
    session = client.post("/sessions", json={"email": email, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {session.json()['access_token']}"
    assert client.get("/users/me").json() == registered.json()
    assert client.get(registered.headers["Location"]).json()["name"] == "Ada"

    placed = client.post("/orders", json=order(client), headers={"Idempotency-Key": "one"})
    assert placed.status_code == 201, placed.text
    assert placed.json()["total"] == placed.json()["items"][0]["unit_price"]
    assert client.get(placed.headers["Location"]).json() == placed.json()
    assert [item["id"] for item in client.get("/orders").json()["items"]] == [placed.json()["id"]]


def test_an_order_belongs_to_nobody_else(client: httpx.Client) -> None:
    placed = client.post("/orders", json=order(client), headers={**log_in(client), "Idempotency-Key": "mine"})
    stranger = client.get(placed.headers["Location"], headers=log_in(client))
    assert (stranger.status_code, stranger.json()["type"]) == (404, "/problems/not-found")


def test_every_error_is_a_problem_with_the_id_of_its_request(client: httpx.Client) -> None:
    for method, path, status in [
        ("GET", "/nothing", 404),
        ("DELETE", "/products", 405),
        ("GET", "/orders", 401),
        ("GET", "/products/no-such-thing", 404),
        ("GET", "/products?limit=0", 422),
        ("GET", "/metrics", 404),
    ]:
        answer = client.request(method, path, headers={"X-Request-Id": "find-me"})
        assert answer.status_code == status, (path, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], problem["request_id"], answer.headers["X-Request-Id"]) == (status, *2 * ("find-me",))
        assert client.get(problem["type"]).status_code == 200


def test_a_head_tells_what_a_get_would_and_brings_nothing(client: httpx.Client) -> None:
    whole = {"Accept-Encoding": "identity"}  # what is compressed on its way has no length
    got, head = client.get("/products", headers=whole), client.head("/products", headers=whole)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


def test_a_key_is_refused_where_none_is_honoured(client: httpx.Client) -> None:
    answer = client.get("/products", headers={"Idempotency-Key": "x"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/idempotency-key-refused")


def test_the_tour_of_just_smoke_succeeds(stack: Stack) -> None:
    assert "Every answer was as the contract says." in stack.run("smoke")


def test_just_call_logs_in_and_makes_keys_where_a_route_wants_them(stack: Stack, client: httpx.Client) -> None:
    placed = json.loads(stack.run("call", "POST", "/orders", json.dumps(order(client))))
    assert json.loads(stack.run("call", "GET", f"/orders/{placed['id']}")) == placed
    assert json.loads(stack.run("call", "GET", "/users", "--as", "admin"))["items"]
    refused = stack.attempt("call", "GET", "/users")
    assert (refused.returncode, json.loads(refused.stdout)["status"]) == (4, 403)
