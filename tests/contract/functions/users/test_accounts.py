"""functions/users/accounts.py: every line of the contract about accounts, on both databases."""

import asyncio

import pytest
from httpx import AsyncClient

from functions.users import store
from functions.users.passwords import Passwords
from runtime.database import Database
from runtime.instant import now_ms
from tests.contract.functions.users.calls import (
    ANN,
    BOB,
    aged,
    bearing,
    joined,
    logged_in,
    pointers,
    problem,
    registered,
)

STEP_UP = 'Bearer error="insufficient_user_authentication", max_age=300'


async def promoted(database: Database, user: dict[str, str]) -> None:
    async with database.write() as connection:
        stored = await store.user(connection, user["id"])
        assert stored is not None
        assert await store.change_user(connection, stored.promoted("admin", now_ms()))


async def tag(client: AsyncClient, bearer: dict[str, str]) -> dict[str, str]:
    return {"If-Match": (await client.get("/users/me", headers=bearer)).headers["etag"]}


async def test_who_registers_gets_the_private_user_and_where_the_public_one_is(client: AsyncClient) -> None:
    answer = await client.post("/users", json=ANN)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/users/{body['id']}"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert body.keys() == {"id", "email", "name", "role", "created_at"}
    assert (body["email"], body["name"], body["role"]) == ("Ann@Example.org", "Ann", "user")


async def test_an_email_in_other_letters_is_taken(client: AsyncClient) -> None:
    await registered(client)
    answer = await client.post("/users", json=BOB | {"email": "ANN@example.ORG"})
    assert problem(answer) == (409, "email-taken")


async def test_of_twenty_who_register_one_email_at_once_one_gets_it(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/users", json=ANN) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_everything_wrong_with_a_registration_is_pointed_at(client: AsyncClient) -> None:
    answer = await client.post("/users", json={"email": "ann", "name": "\x00", "password": "short", "role": "admin"})
    assert pointers(answer) == {"/email", "/name", "/password", "/role"}
    assert "short" not in answer.text


async def test_a_body_that_is_not_json_is_malformed(client: AsyncClient) -> None:
    for body in (b"", b"{", b'{"email": "\xff"}', b'{"email": "\\ud800"}', b"[" * 100_000):
        answer = await client.post("/users", content=body, headers={"Content-Type": "application/json"})
        assert (body[:20], problem(answer)) == (body[:20], (400, "malformed-request"))


async def test_me_is_the_private_user_with_a_tag_that_saves_sending_it_again(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    first = await client.get("/users/me", headers=bearer)
    assert (first.status_code, first.json()) == (200, user)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await client.get("/users/me", headers=bearer | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_public_profile_has_no_email_and_may_be_kept_by_any_cache(client: AsyncClient) -> None:
    user = await registered(client)
    answer = await client.get(f"/users/{user['id']}")
    assert answer.json() == {"id": user["id"], "name": "Ann", "created_at": user["created_at"]}
    assert answer.headers["cache-control"] == "public, max-age=30, stale-while-revalidate=60, stale-if-error=300"
    assert answer.headers["cache-groups"] == f'"user-{user["id"]}"'
    again = await client.get(f"/users/{user['id']}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["cache-groups"]) == (304, answer.headers["cache-groups"])


async def test_nobody_has_no_profile(client: AsyncClient) -> None:
    for nobody in ("01a20444-cd62-7324-855a-edc6447d46f0", "0", "%00", "%F0%9F%99%82", "%ED%A0%80"):
        assert problem(await client.get(f"/users/{nobody}")) == (404, "not-found")


async def test_a_change_names_the_state_that_it_changes(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    answer = await client.patch("/users/me", json={"name": "Anna"}, headers=bearer | await tag(client, bearer))
    assert (answer.status_code, answer.json()) == (200, user | {"name": "Anna"})
    assert answer.headers["cache-group-invalidation"] == f'"user-{user["id"]}"'
    now = await client.get("/users/me", headers=bearer)
    assert (now.json(), now.headers["etag"]) == (answer.json(), answer.headers["etag"])
    assert (await client.get(f"/users/{user['id']}")).json()["name"] == "Anna"


async def test_a_change_of_no_named_state_or_of_an_older_one_is_refused(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    old = await tag(client, bearer)
    assert problem(await client.patch("/users/me", json={"name": "A"}, headers=bearer)) == (
        428,
        "precondition-required",
    )
    await client.patch("/users/me", json={"name": "Anna"}, headers=bearer | old)
    assert problem(await client.patch("/users/me", json={"name": "A"}, headers=bearer | old)) == (
        412,
        "precondition-failed",
    )
    assert (await client.get("/users/me", headers=bearer)).json() == user | {"name": "Anna"}


async def test_of_changes_at_once_of_one_state_one_is_made(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    headers = bearer | await tag(client, bearer)
    names = [f"Ann {number}" for number in range(8)]
    answers = await asyncio.gather(*(client.patch("/users/me", json={"name": name}, headers=headers) for name in names))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    (made,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert (await client.get("/users/me", headers=bearer)).json() == made


async def test_an_email_is_changed_after_a_recent_login_only(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    headers, changes = await tag(client, bearer), {"email": "ann@example.net"}
    refused = await client.patch("/users/me", json=changes, headers=aged(bearer, 300) | headers)
    assert (problem(refused), refused.headers["www-authenticate"]) == ((401, "unauthenticated"), STEP_UP)
    answer = await client.patch("/users/me", json=changes, headers=aged(bearer, 290) | headers)
    assert answer.json() == user | changes
    await logged_in(client, ANN | changes)


async def test_nobody_changes_to_an_email_that_is_taken(client: AsyncClient) -> None:
    await registered(client, BOB)
    user, bearer = await joined(client)
    headers = bearer | await tag(client, bearer)
    answer = await client.patch("/users/me", json={"name": "A", "email": "BOB@example.org"}, headers=headers)
    assert problem(answer) == (409, "email-taken")
    assert (await client.get("/users/me", headers=bearer)).json() == user


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": None}, {"/name"}),
        ({"email": None}, {"/email"}),
        ({"name": "", "email": "ann", "role": "admin"}, {"/name", "/email", "/role"}),
    ],
)
async def test_everything_wrong_with_a_change_is_pointed_at(
    client: AsyncClient, body: dict[str, object], wrong: set[str]
) -> None:
    _, bearer = await joined(client)
    assert pointers(await client.patch("/users/me", json=body, headers=bearer | {"If-Match": "*"})) == wrong


async def test_a_new_password_ends_every_other_session(client: AsyncClient) -> None:
    await registered(client)
    here, elsewhere = await logged_in(client), await logged_in(client)
    new = {"password": "another horse battery"}
    answer = await client.put("/users/me/password", json=new, headers=bearing(here))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/users/me", headers=bearing(here))).status_code == 200
    assert problem(await client.get("/users/me", headers=bearing(elsewhere))) == (401, "unauthenticated")
    over = await client.post("/sessions/refresh", json={"refresh_token": elsewhere["refresh_token"]})
    assert problem(over) == (401, "session-revoked")
    old = await client.post("/sessions", json={"email": ANN["email"], "password": ANN["password"]})
    assert problem(old) == (401, "bad-credentials")
    await logged_in(client, ANN | new)


async def test_a_session_that_ends_while_its_new_password_is_hashed_changes_nothing(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(client)
    thief, owner = bearing(await logged_in(client)), bearing(await logged_in(client))
    hashing, go_on = asyncio.Event(), asyncio.Event()
    hash_ = Passwords.hash

    async def slowly(self: Passwords, password: str) -> str:
        hashing.set()
        await go_on.wait()
        return await hash_(self, password)

    monkeypatch.setattr(Passwords, "hash", slowly)
    change = asyncio.create_task(client.put("/users/me/password", json={"password": "of the thief 123"}, headers=thief))
    await hashing.wait()
    assert (await client.delete("/sessions/current", headers=thief)).status_code == 204
    go_on.set()
    assert problem(await change) == (401, "unauthenticated")
    monkeypatch.setattr(Passwords, "hash", hash_)
    await logged_in(client)
    assert (await client.get("/users/me", headers=owner)).status_code == 200


async def test_of_sessions_that_set_a_password_at_once_one_does(client: AsyncClient) -> None:
    await registered(client)
    sessions = [bearing(await logged_in(client)) for _ in range(4)]
    changes = [
        client.put("/users/me/password", json={"password": f"another horse {number}"}, headers=session)
        for number, session in enumerate(sessions)
    ]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]
    (number,) = (number for number, answer in enumerate(answers) if answer.status_code == 204)
    await logged_in(client, ANN | {"password": f"another horse {number}"})


async def test_a_session_that_has_ended_changes_nothing_of_its_owner(client: AsyncClient) -> None:
    _, owner = await joined(client)
    thief = bearing(await logged_in(client))
    key = (await client.post("/users/me/keys", json={"name": "of mine"}, headers=owner)).json()["id"]
    mine = next(
        each["id"] for each in (await client.get("/sessions", headers=owner)).json()["items"] if each["current"]
    )
    await client.delete("/sessions/current", headers=thief)
    tries = [
        await client.patch("/users/me", json={"name": "Eve"}, headers=thief | {"If-Match": "*"}),
        await client.put("/users/me/password", json={"password": "of the thief 123"}, headers=thief),
        await client.post("/users/me/keys", json={"name": "of the thief"}, headers=thief),
        await client.delete(f"/users/me/keys/{key}", headers=thief),
        await client.delete(f"/sessions/{mine}", headers=thief),
        await client.delete("/users/me", headers=thief),
    ]
    assert [problem(answer) for answer in tries] == [(401, "unauthenticated")] * len(tries)
    assert (await client.get("/users/me", headers=owner)).json()["name"] == "Ann"
    assert [each["id"] for each in (await client.get("/users/me/keys", headers=owner)).json()["items"]] == [key]


async def test_an_account_is_removed_in_the_state_that_was_meant(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    assert problem(await client.delete("/users/me", headers=bearer | {"If-Match": '"other"'})) == (
        412,
        "precondition-failed",
    )
    state = await tag(client, bearer)
    assert (await client.delete("/users/me", headers=bearer | state)).status_code == 204


async def test_a_password_is_changed_and_an_account_removed_after_a_recent_login_only(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    old = aged(bearer, 300)
    change = await client.put("/users/me/password", json={"password": "another horse battery"}, headers=old)
    removal = await client.delete("/users/me", headers=old)
    assert [change.headers["www-authenticate"], removal.headers["www-authenticate"]] == [STEP_UP] * 2
    assert (await client.get("/users/me", headers=old)).status_code == 200


async def test_who_leaves_is_gone_with_every_session_and_the_email_is_free(client: AsyncClient) -> None:
    user = await registered(client)
    here, elsewhere = await logged_in(client), await logged_in(client)
    answer = await client.delete("/users/me", headers=bearing(here))
    assert (answer.status_code, answer.headers["cache-group-invalidation"]) == (204, f'"user-{user["id"]}"')
    assert problem(await client.get(f"/users/{user['id']}")) == (404, "not-found")
    for pair in (here, elsewhere):
        assert problem(await client.get("/users/me", headers=bearing(pair))) == (401, "unauthenticated")
        over = await client.post("/sessions/refresh", json={"refresh_token": pair["refresh_token"]})
        assert problem(over) == (401, "session-revoked")
    assert (await registered(client))["id"] != user["id"]


async def test_an_admin_reads_every_account_once_while_others_come_and_go(
    client: AsyncClient, database: Database
) -> None:
    everyone = [await registered(client, BOB | {"email": f"bob{number}@example.org"}) for number in range(5)]
    root = await registered(client)
    await promoted(database, root)
    bearer = bearing(await logged_in(client))
    seen: list[dict[str, str]] = []
    path = "/users?limit=2"
    for _ in range(3):
        answer = await client.get(path, headers=bearer)
        seen += answer.json()["items"]
        path = answer.links["next"]["url"] if answer.json()["next_cursor"] else ""
        await registered(client, BOB | {"email": f"late{len(seen)}@example.org"})
    assert path == ""
    assert seen == [root | {"role": "admin"}, *reversed(everyone)]


async def test_who_is_no_admin_reads_no_list(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    answer = await client.get("/users", headers=bearer)
    assert problem(answer) == (403, "forbidden")
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


@pytest.mark.parametrize(
    ("query", "wrong"), [("limit=0", "/limit"), ("limit=101", "/limit"), ("limit=x", "/limit"), ("cursor=x", "/cursor")]
)
async def test_a_broken_page_is_pointed_at(client: AsyncClient, database: Database, query: str, wrong: str) -> None:
    await promoted(database, await registered(client))
    assert pointers(await client.get(f"/users?{query}", headers=bearing(await logged_in(client)))) == {wrong}


async def test_a_removal_whose_answer_was_lost_can_be_asked_for_again(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    first = await client.delete("/users/me", headers=bearer)
    again = await client.delete("/users/me", headers=bearer)
    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["cache-group-invalidation"] == first.headers["cache-group-invalidation"]


async def test_a_session_that_has_ended_removes_nobody(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    await client.delete("/sessions/current", headers=bearer)
    assert problem(await client.delete("/users/me", headers=bearer)) == (401, "unauthenticated")
    assert (await client.get(f"/users/{user['id']}")).status_code == 200
