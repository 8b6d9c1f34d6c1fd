"""API keys at real gateways in front of the real users: swapped, kept, ended everywhere, and never a way around."""

import asyncio
import time
from collections import Counter
from functools import partial
from itertools import count, islice

import httpx
import pytest

from functions.gateway.stages.limit.policy import MICROSECONDS, interval
from functions.gateway.stages.swap.stage import WRONG
from tests.contract.functions.gateway.house import ANN, House, logged_in
from tests.contract.functions.gateway.test_revocations import passes, refused
from tests.contract.functions.gateway.town import Served, until

WRONG_KEY = "portico_" + "x" * 43


@pytest.fixture
def users(house: House) -> Served:
    return house.start("users")


async def make(client: httpx.AsyncClient, at: Served) -> tuple[dict[str, str], dict[str, str], str]:
    """The header of an owner, that of a key of his, and the key's id."""
    await client.post(f"{at.url}/users", json=ANN)
    owner, _ = await logged_in(client, at)
    answer = await client.post(f"{at.url}/users/me/keys", json={"name": "a program"}, headers=owner)
    assert answer.status_code == 201, answer.text
    return owner, bearing(answer.json()["key"]), answer.json()["id"]


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_opens_what_its_owner_may_at_every_gateway_until_its_owner_ends_it(
    house: House, users: Served, person: httpx.AsyncClient
) -> None:
    one, other = house.start("gateway"), house.start("gateway")
    owner, by_key, key_id = await make(person, one)
    for gateway in (one, other):
        answer = await person.get(f"{gateway.url}/users/me", headers=by_key)
        assert (answer.status_code, answer.json()["email"]) == (200, ANN["email"])
        assert await passes(person, gateway, by_key)
    ended = await person.delete(f"{one.url}/users/me/keys/{key_id}", headers=owner)
    assert ended.status_code == 204
    for gateway in (one, other):
        await until(partial(refused, person, gateway, by_key))
    assert not await passes(person, house.start("gateway"), by_key)
    assert await passes(person, one, owner)
    del users


async def test_a_key_in_use_outlives_an_outage_of_users_and_one_that_nobody_used_does_not(
    house: House, users: Served, person: httpx.AsyncClient
) -> None:
    one, other = house.start("gateway"), house.start("gateway")
    _, by_key, _ = await make(person, one)
    assert await passes(person, one, by_key)
    users.kill()
    assert await passes(person, one, by_key)
    answer = await person.get(f"{other.url}/orders/any", headers=by_key)
    assert answer.status_code in {502, 503}
    assert answer.json()["type"] != "/problems/no-such-route"


async def test_what_swaps_keys_is_for_gateways_only_and_gives_nothing_past_them(
    house: House, users: Served, person: httpx.AsyncClient
) -> None:
    gateway = house.start("gateway")
    _, by_key, _ = await make(person, gateway)
    for path in ("/keys/token", "/keys/token/", "/keys/./token", "//keys/token", "/keys%2ftoken"):
        answer = await person.get(f"{gateway.url}{path}", headers=by_key)
        assert answer.status_code in {400, 404}, path
        assert "access_token" not in answer.text
    past = await person.get(f"{users.url}/users/me", headers=by_key)
    assert past.status_code == 401  # a function takes tokens only


async def test_forged_keys_are_refused_like_forged_tokens_and_soon_nobody_is_asked(
    house: House, users: Served, person: httpx.AsyncClient
) -> None:
    gateway = house.start("gateway")
    _, by_key, _ = await make(person, gateway)
    assert await passes(person, gateway, by_key)
    [limit], began, forged, kinds = WRONG.policies.limits, time.monotonic(), count(), Counter[int]()
    while not kinds[429]:  # ten at once, which a busy machine answers sooner than permits come back, one a second
        wrong = (bearing(f"portico_{number:043}") for number in islice(forged, 10))
        for answer in await asyncio.gather(*(person.get(f"{gateway.url}/users/me", headers=each) for each in wrong)):
            kinds[answer.status_code] += 1
            if answer.status_code == 401:
                assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
                assert answer.json()["detail"] == "The token is not valid."
    come_back = (time.monotonic() - began) * MICROSECONDS / interval(limit)
    assert kinds.keys() == {401, 429}
    assert limit.burst <= kinds[401] <= limit.burst + come_back + 1
    assert await passes(person, gateway, by_key)  # it is known, and pays for nobody
    assert any("API key refused" in line and "no such API key" in line for line in gateway.log)
    assert not [line for line in (*gateway.log, *users.log) if "portico_0" in line]


async def test_a_key_has_a_bucket_of_its_own(house: House, users: Served, person: httpx.AsyncClient) -> None:
    gateway = house.start("gateway")
    owner, by_key, _ = await make(person, gateway)

    async def left(headers: dict[str, str]) -> int:
        """Permits, after one was taken for a call to a function that nobody runs."""
        answer = await person.get(f"{gateway.url}/orders", headers=headers)
        return int(answer.headers["ratelimit"].split("r=")[1].split(";")[0])

    full = await left(owner)
    for _ in range(9):
        await left(owner)
    assert await left(by_key) == full
    assert await left(owner) < full
    del users
