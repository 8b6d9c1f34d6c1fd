"""functions/users/apikeys/handlers.py: every line of the contract about API keys, on both databases."""

import asyncio
from datetime import datetime

import jwt
import pytest
from httpx import AsyncClient, Response

from functions.users.apikeys.model import MOST, PREFIX
from runtime.database import Database
from runtime.instant import now_ms
from tests.contract.functions.users.calls import ANN, BOB, Bearer, aged, bearing, joined, logged_in, pointers, problem

OF_A_KEY = {"id", "name", "prefix", "created_at", "expires_at", "last_used_at"}


async def make(client: AsyncClient, bearer: Bearer, **more: int) -> dict[str, str]:
    answer = await client.post("/users/me/keys", json={"name": "backup", **more}, headers=bearer)
    assert answer.status_code == 201
    body: dict[str, str] = answer.json()
    return body


async def swap(client: AsyncClient, key: str) -> Response:
    return await client.get("/keys/token", headers={"Authorization": f"Bearer {key}"})


async def keyed(client: AsyncClient, key: str) -> Bearer:
    """The header of the token that a gateway gets for it."""
    answer = await swap(client, key)
    assert answer.status_code == 200
    return bearing(answer.json())


async def listed(client: AsyncClient, bearer: Bearer) -> list[dict[str, str | None]]:
    answer = await client.get("/users/me/keys", headers=bearer)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    items: list[dict[str, str | None]] = answer.json()["items"]
    return items


async def test_a_key_is_shown_once_and_known_by_its_prefix_from_then_on(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    answer = await client.post("/users/me/keys", json={"name": "backup"}, headers=bearer)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert answer.headers["location"] == f"/users/me/keys/{made['id']}"
    assert made.keys() == OF_A_KEY | {"key"}
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert made["prefix"].startswith(PREFIX)
    assert await listed(client, bearer) == [made]


async def test_the_store_holds_no_key_that_could_be_used(client: AsyncClient, database: Database) -> None:
    _, bearer = await joined(client)
    key = (await make(client, bearer))["key"]
    async with database.read() as connection:
        (row,) = await connection.fetch("SELECT session_id, hash, prefix, name, expires_at, used_at FROM api_keys")
    assert not [value for value in dict(row).values() if key[20:] in str(value)]


async def test_a_token_for_a_key_speaks_for_its_owner_like_any_other(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    made = await make(client, bearer)
    answer = await swap(client, made["key"])
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json().keys() == {"access_token", "expires_in"}
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["sid"], claims["role"]) == (user["id"], made["id"], "user")
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in"]
    assert (await client.get("/users/me", headers=bearing(answer.json()))).json() == user
    assert (await listed(client, bearer))[0]["last_used_at"]


async def test_it_does_nothing_that_needs_a_recent_login(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    by_key = await keyed(client, (await make(client, bearer))["key"])
    refused = [
        await client.post("/users/me/keys", json={"name": "another"}, headers=by_key),
        await client.put("/users/me/password", json={"password": BOB["password"]}, headers=by_key),
        await client.patch("/users/me", json={"email": BOB["email"]}, headers=by_key | {"If-Match": "*"}),
        await client.delete("/users/me", headers=by_key),
    ]
    for answer in refused:
        assert problem(answer) == (401, "unauthenticated")
        assert "insufficient_user_authentication" in answer.headers["www-authenticate"]


async def test_a_key_needs_a_recent_login_and_a_name(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    old = await client.post("/users/me/keys", json={"name": "backup"}, headers=aged(bearer, 300))
    assert problem(old) == (401, "unauthenticated")
    assert pointers(await client.post("/users/me/keys", json={"nam": ""}, headers=bearer)) == {"/name", "/nam"}


async def expired(database: Database, key_id: str) -> None:
    """As if its time were up."""
    async with database.write() as connection:
        await connection.execute("UPDATE api_keys SET expires_at = $2 WHERE session_id = $1", key_id, now_ms() - 1)


async def test_a_key_that_expires_says_when_and_its_tokens_live_no_longer(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    for seconds, lifetime in ((90, 90), (86_400, 900)):
        made = await make(client, bearer, expires_in=seconds)
        lives = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
        assert lives.total_seconds() == seconds
        assert (await listed(client, bearer))[0]["expires_at"] == made["expires_at"]
        swapped = (await swap(client, made["key"])).json()
        claims = jwt.decode(swapped["access_token"], options={"verify_signature": False})
        assert lifetime - 10 < claims["exp"] - claims["iat"] == swapped["expires_in"] <= lifetime
    assert (await make(client, bearer))["expires_at"] is None


async def test_a_key_that_has_expired_is_none_and_makes_room_for_another(
    client: AsyncClient, database: Database
) -> None:
    _, bearer = await joined(client)
    made = [await make(client, bearer, expires_in=60) for _ in range(MOST)]
    await expired(database, made[0]["id"])
    answer = await swap(client, made[0]["key"])
    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert made[0]["id"] not in {key["id"] for key in await listed(client, bearer)}
    await make(client, bearer)
    assert (await client.delete(f"/users/me/keys/{made[0]['id']}", headers=bearer)).status_code == 204


@pytest.mark.parametrize("seconds", [0, 59, -60, 1.5, "60", 10**12])
async def test_a_key_lives_for_a_minute_at_least_and_ten_years_at_most(client: AsyncClient, seconds: object) -> None:
    _, bearer = await joined(client)
    asked = {"name": "backup", "expires_in": seconds}
    assert pointers(await client.post("/users/me/keys", json=asked, headers=bearer)) == {"/expires_in"}


async def test_its_owner_ends_it_and_once_more_is_as_good(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    made = await make(client, bearer)
    by_key = await keyed(client, made["key"])
    for _ in range(2):
        assert (await client.delete(f"/users/me/keys/{made['id']}", headers=bearer)).status_code == 204
    answer = await swap(client, made["key"])
    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert problem(await client.get("/users/me", headers=by_key)) == (401, "unauthenticated")
    assert await listed(client, bearer) == []
    assert made["id"] in (await client.get("/sessions/ended")).json()["sessions"]


async def test_nobody_ends_what_is_not_his_key(client: AsyncClient) -> None:
    _, ann = await joined(client)
    _, bob = await joined(client, BOB)
    made = await make(client, ann)
    session = (await client.get("/sessions", headers=ann)).json()["items"]
    assert len(session) == 1  # a key is not among them
    for who, what in [(bob, made["id"]), (ann, session[0]["id"]), (ann, "%00"), (ann, "0" * 36)]:
        assert problem(await client.delete(f"/users/me/keys/{what}", headers=who)) == (404, "not-found")
    assert (await swap(client, made["key"])).status_code == 200


@pytest.mark.parametrize("key", ["", PREFIX, PREFIX + "x" * 43, "x" * 5000, "\xe9"])
async def test_a_key_that_nobody_made_gets_nothing(client: AsyncClient, key: str) -> None:
    answer = await client.get("/keys/token", headers={b"Authorization": f"Bearer {key}".encode("latin-1")})
    assert problem(answer) == (401, "unauthenticated")


async def test_a_session_is_no_key(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    for credentials in (bearer, {}):
        assert problem(await client.get("/keys/token", headers=credentials)) == (401, "unauthenticated")


async def test_another_password_ends_every_key_and_so_does_leaving(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    first = await make(client, bearer)
    changed = await client.put("/users/me/password", json={"password": BOB["password"]}, headers=bearer)
    assert changed.status_code == 204
    assert (await swap(client, first["key"])).status_code == 401
    again = bearing(await logged_in(client, ANN | {"password": BOB["password"]}))
    second = await make(client, again)
    assert (await client.delete("/users/me", headers=again)).status_code == 204
    assert (await swap(client, second["key"])).status_code == 401


async def test_a_user_has_so_many_keys_and_no_more_also_when_all_are_asked_for_at_once(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    asked = [client.post("/users/me/keys", json={"name": "one"}, headers=bearer) for _ in range(MOST + 4)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] * MOST + [409] * 4
    assert {problem(answer)[1] for answer in answers if answer.status_code == 409} == {"too-many-keys"}
    items = await listed(client, bearer)
    assert len(items) == MOST
    assert (await client.delete(f"/users/me/keys/{items[0]['id']}", headers=bearer)).status_code == 204
    await make(client, bearer)


async def test_no_key_is_made_past_a_new_password_by_whose_session_it_ends(client: AsyncClient) -> None:
    _, owner = await joined(client)
    for number in range(5):
        thief = bearing(await logged_in(client, ANN | {"password": BOB["password"]} if number else ANN))
        made, changed = await asyncio.gather(
            client.post("/users/me/keys", json={"name": "a way back in"}, headers=thief),
            client.put("/users/me/password", json={"password": BOB["password"]}, headers=owner),
        )
        assert (changed.status_code, made.status_code in {201, 401}) == (204, True)
        assert await listed(client, owner) == []
