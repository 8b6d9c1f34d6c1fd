"""Keys that are rotated, withdrawn or not to be had, in front of the real users."""

import time

import httpx
import jwt

from deploy.keys import rotate
from tests.contract.functions.gateway.house import ANN, House, logged_in
from tests.contract.functions.gateway.town import Served, until


async def status(client: httpx.AsyncClient, at: Served, bearer: dict[str, str]) -> int:
    return (await client.get(f"{at.url}/users/me", headers=bearer)).status_code


async def test_a_key_that_is_withdrawn_is_believed_by_nobody_within_seconds_and_sessions_go_on(
    house: House, person: httpx.AsyncClient
) -> None:
    users, gateway = house.start("users"), house.start("gateway")
    assert (await person.post(f"{gateway.url}/users", json=ANN)).status_code == 201
    bearer, refresh_token = await logged_in(person, gateway)
    for at in (users, gateway):
        assert await status(person, at, bearer) == 200

    added = rotate(house.keys, time.time(), at_once=True).added

    async def refused() -> bool:
        return {await status(person, at, bearer) for at in (users, gateway)} == {401}

    await until(refused)
    answer = await person.post(f"{gateway.url}/sessions/refresh", json={"refresh_token": refresh_token})
    token = answer.json()["access_token"]
    assert jwt.get_unverified_header(token)["kid"] == added
    for at in (users, gateway):
        assert await status(person, at, {"Authorization": f"Bearer {token}"}) == 200


async def test_keys_are_fetched_before_the_first_token_comes_and_kept_while_users_is_away(
    house: House, person: httpx.AsyncClient
) -> None:
    users, first, second = house.start("users"), house.start("gateway"), house.start("gateway")
    assert (await person.post(f"{first.url}/users", json=ANN)).status_code == 201
    bearer, _ = await logged_in(person, first)
    users.kill()
    away = await person.get(f"{second.url}/users/me", headers=bearer)
    assert (away.status_code, away.json()["type"]) == (502, "/problems/upstream-unreachable")  # so it was let in
    cold = await person.get(f"{house.start('gateway').url}/users/me", headers=bearer)
    assert (cold.status_code, cold.json()["type"]) == (503, "/problems/keys-unavailable")
