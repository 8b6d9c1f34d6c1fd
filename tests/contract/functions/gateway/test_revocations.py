"""Real gateways in front of the real users: an end at one of them is an end at all of them."""

from functools import partial

import httpx

from tests.contract.functions.gateway.house import ANN, House, logged_in
from tests.contract.functions.gateway.town import Served, until


async def passes(client: httpx.AsyncClient, at: Served, bearer: dict[str, str]) -> bool:
    """Whether the gateway lets the token through, as far as a function that nobody runs."""
    answer = await client.get(f"{at.url}/orders/any", headers=bearer)
    assert answer.status_code in {401, 502}, answer.text
    return answer.status_code == 502


async def test_who_logs_out_at_one_gateway_is_refused_at_the_other_and_at_one_that_starts_later(
    house: House, person: httpx.AsyncClient
) -> None:
    start, client = house.start, person
    users, one, other = start("users"), start("gateway"), start("gateway")
    assert (await client.post(f"{one.url}/users", json=ANN)).status_code == 201
    bearer, another = [(await logged_in(client, one))[0] for _ in range(2)]
    for gateway in (one, other):
        assert await passes(client, gateway, bearer)
    assert (await client.delete(f"{one.url}/sessions/current", headers=bearer)).status_code == 204

    await until(partial(refused, client, one, bearer))
    await until(partial(refused, client, other, bearer))
    later = start("gateway")
    assert not await passes(client, later, bearer)
    assert await passes(client, later, another)

    users.kill()
    assert not await passes(client, other, bearer)
    assert await passes(client, other, another)
    cold = start("gateway")
    answer = await client.get(f"{cold.url}/orders/any", headers=another)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/keys-unavailable")


async def refused(client: httpx.AsyncClient, at: Served, bearer: dict[str, str]) -> bool:
    return not await passes(client, at, bearer)


async def test_the_feed_itself_is_for_gateways_only(house: House, person: httpx.AsyncClient) -> None:
    house.start("users")
    answer = await person.get(f"{house.start('gateway').url}/sessions/ended")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE")  # the route to end one of one's sessions
