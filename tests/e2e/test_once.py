"""Once, and only once: many at the same time want the same thing."""

import asyncio
from collections import Counter

import httpx

from tests.e2e.people import log_in, order
from tests.e2e.stack import Stack


async def _all_at_once(requests: list[httpx.Request]) -> list[httpx.Response]:
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=len(requests))) as client:
        return await asyncio.gather(*(client.send(request) for request in requests))


async def test_twenty_posts_with_one_key_make_one_order_and_get_equal_answers(
    stack: Stack, client: httpx.Client
) -> None:
    stack.scale(4)
    stack.scale(2, "orders")
    token, body = await asyncio.to_thread(lambda: (log_in(client), order(client)))
    headers = token | {"Idempotency-Key": "twenty-at-once"}
    answers = await _all_at_once(
        [httpx.Request("POST", f"{stack.url}/orders", headers=headers, json=body) for _ in range(20)]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 20}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 19
    [listed] = await _all_at_once([httpx.Request("GET", f"{stack.url}/orders", headers=token)])
    assert len(listed.json()["items"]) == 1


async def test_one_of_twenty_registrations_of_an_email_succeeds(stack: Stack) -> None:
    stack.scale(4)
    body = {"email": "Only.One@example.org", "name": "Ada", "password": "correct horse battery staple"}
    answers = await _all_at_once([httpx.Request("POST", f"{stack.url}/users", json=body) for _ in range(20)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/email-taken"}
