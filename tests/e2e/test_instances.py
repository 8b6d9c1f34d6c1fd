"""Instances come, go and crash; who asks does not notice."""

from collections import Counter
from itertools import count, cycle
from time import monotonic

import httpx

from tests.e2e.load import get, under_load
from tests.e2e.people import log_in, order
from tests.e2e.stack import Stack, until


def test_four_gateways_share_four_hundred_requests(stack: Stack, client: httpx.Client) -> None:
    stack.scale(4)
    ready, met = monotonic(), set[str]()
    while len(met) < 4:  # nginx looks newcomers up once a second
        met.add(client.get("/products").headers["X-Instance"])
    assert monotonic() - ready < 3
    answers = [client.get("/products") for _ in range(400)]
    assert {answer.status_code for answer in answers} == {200}
    by_gateway = Counter(answer.headers["X-Instance"] for answer in answers)
    assert len(by_gateway) == 4
    assert min(by_gateway.values()) > 40


def test_scaling_up_and_down_under_load_fails_no_get(stack: Stack) -> None:
    stack.scale(2)
    with under_load(stack.url, get("/products")) as load:
        stack.scale(4)
        stack.scale(1)
        stack.scale(2)
    assert load.outcomes.keys() == {"200"}
    assert load.done > 100


def test_a_killed_gateway_fails_no_get_and_is_back(stack: Stack) -> None:
    stack.scale(2)
    with under_load(stack.url, get("/products")) as load:
        until(lambda: load.done > 50)
        stack.kill("gateway-1")
        stack.until_ready()
        until(lambda: load.done > 300)
    assert load.outcomes.keys() == {"200"}


def test_a_killed_gateway_costs_no_keyed_post_and_makes_no_second_order(stack: Stack, client: httpx.Client) -> None:
    stack.scale(2)
    people = [log_in(client) for _ in range(8)]
    body, keys, turns = order(client), count(), cycle(people)

    async def place(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/orders", json=body, headers=next(turns) | {"Idempotency-Key": f"key-{next(keys)}"})

    with under_load(stack.url, place, clients=4) as load:
        until(lambda: load.done > 10)
        stack.kill("gateway-1")
        until(lambda: load.done > 60)
    assert load.outcomes.keys() == {"201"}, [answer.text for answer in load.answers if answer.status_code != 201][:3]
    placed = [answer.json()["id"] for answer in load.answers]
    assert len(placed) == len(set(placed))
    assert sorted(found for headers in people for found in _all_orders(client, headers)) == sorted(placed)


def test_a_killed_function_instance_fails_no_get(stack: Stack, client: httpx.Client) -> None:
    headers = log_in(client)
    placed = client.post("/orders", json=order(client), headers=headers | {"Idempotency-Key": "read-often"})
    stack.scale(2, "orders")
    with under_load(stack.url, get(placed.headers["Location"], headers)) as load:  # which no cache answers
        until(lambda: load.done > 50)
        stack.kill("orders-1")
        until(lambda: load.done > 300)
    assert load.outcomes.keys() == {"200"}


def test_a_function_that_is_down_takes_no_other_with_it(stack: Stack, client: httpx.Client) -> None:
    headers = log_in(client)
    assert client.get("/products").status_code == 200
    stack.scale(0, "orders")
    answer = client.get("/orders", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (502, "/problems/upstream-unreachable")
    assert "Proxy-Status" in answer.headers
    assert client.get("/users/me", headers=headers).status_code == 200
    assert client.get("/products").status_code == 200  # from the cache: the answer says that it may be, on an error
    stack.scale(1, "orders")
    until(lambda: client.get("/orders", headers=headers).status_code == 200)


def _all_orders(client: httpx.Client, headers: dict[str, str]) -> list[str]:
    page = client.get("/orders?limit=100", headers=headers).json()
    found = [item["id"] for item in page["items"]]
    while page["next_cursor"]:
        page = client.get(f"/orders?limit=100&cursor={page['next_cursor']}", headers=headers).json()
        found += [item["id"] for item in page["items"]]
    return found
