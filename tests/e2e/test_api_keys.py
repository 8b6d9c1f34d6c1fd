"""Every row of the contract about API keys, through the front door."""

import time

import httpx
import pytest

from tests.e2e.people import log_in
from tests.e2e.stack import Stack, until
from tests.e2e.test_users import EVERYWHERE, Bearer, refused

Made = tuple[Bearer, dict[str, str]]


@pytest.fixture
def made(client: httpx.Client) -> Made:
    """An owner and a key of theirs."""
    owner = log_in(client)
    answer = client.post("/users/me/keys", json={"name": "a program"}, headers=owner)
    assert answer.status_code == 201, answer.text
    return owner, answer.json()


def bearing(made: Made) -> Bearer:
    return {"Authorization": f"Bearer {made[1]['key']}"}


def test_post_users_me_keys_shows_a_key_once_and_get_its_prefix(client: httpx.Client, made: Made) -> None:
    owner, shown = made
    assert shown.keys() == {"id", "name", "prefix", "created_at", "expires_at", "last_used_at", "key"}
    answer = client.get("/users/me/keys", headers=owner)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json() == {"items": [{name: value for name, value in shown.items() if name != "key"}]}
    assert shown["key"].startswith(shown["prefix"])


def test_a_key_opens_every_function_as_its_owner_and_no_more_than_that(
    stack: Stack, client: httpx.Client, made: Made
) -> None:
    by_key = bearing(made)
    me = client.get("/users/me", headers=by_key)
    assert (me.status_code, me.json()) == (200, client.get("/users/me", headers=made[0]).json())
    product = client.get("/products?limit=1").json()["items"][0]
    order = {"items": [{"sku": product["sku"], "quantity": 1}]}
    placed = client.post(
        "/orders", json=order, headers=by_key | {"Idempotency-Key": f'"{stack.engine}-{me.json()["id"]}"'}
    )
    assert (placed.status_code, placed.json()["user_id"]) == (201, me.json()["id"])
    assert refused(client.get("/users", headers=by_key)) == (403, "forbidden")
    another = client.post("/users/me/keys", json={"name": "another"}, headers=by_key)
    assert refused(another) == (401, "unauthenticated")
    assert "insufficient_user_authentication" in another.headers["WWW-Authenticate"]
    assert client.get("/users/me/keys", headers=made[0]).json()["items"][0]["last_used_at"]


def test_delete_users_me_keys_id_is_known_to_every_gateway_in_time(
    stack: Stack, client: httpx.Client, made: Made
) -> None:
    owner, shown = made
    stack.scale(4)
    by_key = bearing(made)

    def instances(status: int) -> set[str]:
        answers = [client.get("/orders/any", headers=by_key) for _ in range(16)]
        return {answer.headers["X-Instance"] for answer in answers if answer.status_code == status}

    until(lambda: len(instances(404)) == 4)
    assert client.delete(f"/users/me/keys/{shown['id']}", headers=owner).status_code == 204
    began = time.monotonic()
    until(lambda: len(instances(401)) == 4 and not instances(404))
    assert time.monotonic() - began < 2 * EVERYWHERE  # as asking takes a while, too
    assert client.get("/users/me/keys", headers=owner).json() == {"items": []}
    assert client.delete(f"/users/me/keys/{shown['id']}", headers=owner).status_code == 204


def test_what_swaps_keys_is_reached_by_no_client(client: httpx.Client, made: Made) -> None:
    assert refused(client.get("/keys/token", headers=bearing(made))) == (404, "no-such-route")
