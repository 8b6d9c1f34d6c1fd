"""A limit holds for all gateways together."""

import asyncio
import json
import time
from collections import Counter

import httpx

from deploy.chaos.wire import Answer, Request, Wire
from tests.e2e.people import log_in
from tests.e2e.stack import Stack, until

LIMITED = "/orders"  # 50/1m for each principal
PER_SECOND = 50 / 60


async def _ask(url: str, headers: dict[str, str], times: int) -> list[Answer]:
    wire = Wire(url)
    try:
        return await asyncio.gather(*(wire.send(Request("GET", LIMITED, headers)) for _ in range(times)))
    finally:
        wire.close()


async def test_a_thousand_at_once_over_four_gateways_get_fifty_and_what_refills(
    stack: Stack, client: httpx.Client
) -> None:
    stack.scale(4)
    headers = log_in(client)
    began = time.monotonic()
    answers = await _ask(stack.url, headers, 1000)
    took = time.monotonic() - began
    outcomes = Counter(answer.status for answer in answers)
    assert set(outcomes) == {200, 429}
    assert 50 <= outcomes[200] <= 50 + took * PER_SECOND + 1
    assert len({answer.headers["x-instance"] for answer in answers}) == 4


async def test_a_refusal_says_when_to_come_back(stack: Stack, client: httpx.Client) -> None:
    headers = log_in(client)
    first, *_ = await _ask(stack.url, headers, 1)
    assert first.headers["ratelimit-policy"] == '"default";q=50;w=60'
    assert first.headers["ratelimit"] == '"default";r=49;t=2'
    refused = next(answer for answer in await _ask(stack.url, headers, 60) if answer.status == 429)
    problem = json.loads(refused.body)
    assert (problem["type"], problem["violated-policies"]) == ("/problems/quota-exceeded", ["default"])
    permit_in = int(refused.headers["ratelimit"].rpartition("t=")[2])
    assert 1 <= permit_in <= int(refused.headers["retry-after"]) <= 3


async def test_limits_go_on_and_nothing_fails_while_redis_is_stopped(stack: Stack, client: httpx.Client) -> None:
    headers = log_in(client)
    stack.stop("redis")
    try:
        outcomes = Counter(answer.status for answer in await _ask(stack.url, headers, 100))
    finally:
        stack.start("redis")
    assert set(outcomes) == {200, 429}
    assert 25 <= outcomes[200] <= 60


def test_an_operator_sees_who_is_over_a_limit_and_lets_them_go_on(stack: Stack, client: httpx.Client) -> None:
    headers = log_in(client)
    principal = client.get("/users/me", headers=headers).json()["id"]
    until(lambda: client.get(LIMITED, headers=headers).status_code == 429)
    assert f"orders GET /orders default principal {principal}" in stack.run("limits", principal)
    assert stack.run("limits", principal, "--clear", "--yes").endswith(" filled.\n")
    until(lambda: client.get(LIMITED, headers=headers).status_code == 200)
    _, _, left = client.get(LIMITED, headers=headers).headers["RateLimit"].partition("r=")
    assert int(left.partition(";")[0]) >= 45
