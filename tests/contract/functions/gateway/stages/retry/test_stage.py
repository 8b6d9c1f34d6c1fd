"""An instance is killed while clients ask: those who may ask again are served by the other one."""

import asyncio
from collections import Counter

import httpx

from tests.contract.functions.gateway.town import Started, until

CLIENTS = 16


async def test_no_get_and_no_keyed_post_fails_when_an_instance_is_killed_under_load(start: Started) -> None:
    town = start(instances=2)
    answers: Counter[tuple[int, str]] = Counter()
    killed = asyncio.Event()

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        key = {"idempotency-key": str(number)}
        after = 0
        while after < 30:
            after += killed.is_set()
            get, post = await client.get("/echo"), await client.post("/echo/keyed", headers=key, content=b"abc")
            for answer in (get, post):
                answers[answer.status_code, answer.json().get("instance", answer.text)] += 1

    async def both_answer() -> bool:
        return answers.keys() >= {(200, "thing-0"), (200, "thing-1")}

    async def kill() -> None:
        await until(both_answer)
        town.things[0].kill()
        killed.set()

    async with httpx.AsyncClient(base_url=town.url, timeout=30) as client, asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(ask(client, number))
        tasks.create_task(kill())
    assert set(answers) == {(200, "thing-0"), (200, "thing-1")}


async def test_a_post_to_an_instance_that_is_gone_is_served_by_the_other(start: Started) -> None:
    """Nothing was sent to the one that is gone, so this holds without a key."""
    town = start(instances=2)
    async with httpx.AsyncClient(base_url=town.url, timeout=30) as client:
        town.things[0].kill()
        answers = [await client.post("/echo", content=b"abc") for _ in range(20)]
    assert {(answer.status_code, answer.json()["instance"]) for answer in answers} == {(200, "thing-1")}
