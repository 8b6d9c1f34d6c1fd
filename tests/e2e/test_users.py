"""Every row of the contract's table of users, through the front door."""

import itertools
import time
import uuid
from collections import Counter

import httpx
import jwt
import pytest

from tests.e2e.load import Load, under_load
from tests.e2e.people import PASSWORD, log_in, register
from tests.e2e.stack import Stack, until

Bearer = dict[str, str]

EVERYWHERE = 5.0  # seconds after which every gateway knows that a session has ended, as the contract has it
ANOTHER = "another horse battery staple"


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug of a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def somebody(client: httpx.Client) -> dict[str, str]:
    """A new account: the private user."""
    answer = register(client)
    assert answer.status_code == 201, answer.text
    body: dict[str, str] = answer.json()
    return body


def session(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/sessions", json={"email": email, "password": password})


def pair(client: httpx.Client, email: str) -> dict[str, str]:
    """The tokens of a new session."""
    answer = session(client, email)
    assert answer.status_code == 201, answer.text
    body: dict[str, str] = answer.json()
    return body


def bearing(tokens: dict[str, str]) -> Bearer:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture(scope="session")
def admin(stack: Stack) -> Bearer:
    """Made by the verb, with the password that it shows."""
    email = f"{uuid.uuid4()}@example.org"
    password = stack.run("admin", email, "--create").split()[-1]
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        return bearing(session(client, email, password).json())


def test_post_users_makes_an_account_that_can_be_found(client: httpx.Client) -> None:
    answer = register(client)
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "email", "name", "role", "created_at"}
    assert answer.headers["Location"] == f"/users/{answer.json()['id']}"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_post_users_refuses_an_email_that_is_taken_however_it_is_written(client: httpx.Client) -> None:
    email = somebody(client)["email"]
    assert refused(register(client, email.upper())) == (409, "email-taken")


def test_post_users_points_at_every_fault(client: httpx.Client) -> None:
    answer = client.post("/users", json={"email": "a", "name": "", "password": "short", "more": 1})
    assert refused(answer) == (422, "invalid-request")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/email", "/name", "/password", "/more"}


def test_post_sessions_gives_a_pair_and_the_same_refusal_for_every_wrong_one(client: httpx.Client) -> None:
    email = somebody(client)["email"]
    answer = session(client, email)
    assert answer.status_code == 201
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
    wrong, unknown = session(client, email, ANOTHER), session(client, "nobody@example.org")
    assert refused(wrong) == refused(unknown) == (401, "bad-credentials")
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_post_sessions_is_slow_for_who_guesses_and_for_nobody_elses_account(client: httpx.Client) -> None:
    email, another = somebody(client)["email"], somebody(client)["email"]
    answers = [session(client, email, ANOTHER) for _ in range(22)]
    assert {refused(answer) for answer in answers[:20]} == {(401, "bad-credentials")}
    assert refused(answers[-1]) == (429, "quota-exceeded")
    assert answers[-1].json()["violated-policies"] == ["logins"]
    assert int(answers[-1].headers["Retry-After"]) > 60
    assert session(client, another).status_code == 201


def test_post_sessions_refresh_spends_a_token_once_and_a_thief_ends_the_session(client: httpx.Client) -> None:
    def refresh(token: str) -> httpx.Response:
        return client.post("/sessions/refresh", json={"refresh_token": token})

    first = pair(client, somebody(client)["email"])
    second = refresh(first["refresh_token"]).json()
    assert refresh(first["refresh_token"]).json()["refresh_token"] == second["refresh_token"]
    third = refresh(second["refresh_token"])
    assert third.status_code == 201
    assert refused(refresh(first["refresh_token"])) == (401, "session-revoked")
    assert refused(refresh(third.json()["refresh_token"])) == (401, "session-revoked")


def test_delete_sessions_current_is_known_to_every_gateway_in_time_and_to_one_that_comes_later(
    stack: Stack, client: httpx.Client
) -> None:
    stack.scale(4)
    tokens = pair(client, somebody(client)["email"])
    other = log_in(client)
    assert client.get("/orders/any", headers=bearing(tokens)).status_code == 404

    assert client.delete("/sessions/current", headers=bearing(tokens)).status_code == 204
    began = time.monotonic()
    until(lambda: _refused_by(client, tokens) == 4)
    assert time.monotonic() - began < EVERYWHERE

    stack.kill("gateway-1")
    stack.until_ready()
    assert _refused_by(client, tokens) == 4
    assert client.get("/orders/any", headers=other).status_code == 404
    answer = client.post("/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refused(answer) == (401, "session-revoked")


def _refused_by(client: httpx.Client, tokens: dict[str, str]) -> int:
    """How many gateways say no, and never yes, while each is asked."""
    said = Counter[str]()
    while len(said) < 4 or min(said.values()) < 2:
        answer = client.get("/orders/any", headers=bearing(tokens))
        if answer.status_code != 401:
            return 0
        said[answer.headers["X-Instance"]] += 1
    return len(said)


def test_get_users_me_shows_the_private_user_to_nobody_else_and_to_no_cache(client: httpx.Client) -> None:
    user = somebody(client)
    bearer = bearing(pair(client, user["email"]))
    answer = client.get("/users/me", headers=bearer)
    assert (answer.status_code, answer.json()) == (200, user)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = client.get("/users/me", headers=bearer | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert refused(client.get("/users/me")) == (401, "unauthenticated")


def test_patch_users_me_is_a_change_of_the_state_that_was_seen(client: httpx.Client) -> None:
    bearer = log_in(client)
    seen = client.get("/users/me", headers=bearer).headers["ETag"]
    assert refused(client.patch("/users/me", json={"name": "Eve"}, headers=bearer)) == (428, "precondition-required")
    changed = client.patch("/users/me", json={"name": "Eve"}, headers=bearer | {"If-Match": seen})
    assert (changed.status_code, changed.json()["name"]) == (200, "Eve")
    assert changed.headers["Cache-Group-Invalidation"] == f'"user-{changed.json()["id"]}"'
    stale = client.patch("/users/me", json={"name": "Ada"}, headers=bearer | {"If-Match": seen})
    assert refused(stale) == (412, "precondition-failed")


def test_put_users_me_password_ends_every_other_session(client: httpx.Client) -> None:
    email = somebody(client)["email"]
    here, elsewhere = pair(client, email), pair(client, email)
    answer = client.put("/users/me/password", json={"password": ANOTHER}, headers=bearing(here))
    assert (answer.status_code, answer.content) == (204, b"")
    assert refused(client.get("/users/me", headers=bearing(elsewhere))) == (401, "unauthenticated")
    assert client.get("/users/me", headers=bearing(here)).status_code == 200
    assert refused(session(client, email)) == (401, "bad-credentials")
    assert session(client, email, ANOTHER).status_code == 201


def test_delete_users_me_leaves_no_profile_and_no_session(client: httpx.Client) -> None:
    user = somebody(client)
    tokens = pair(client, user["email"])
    assert client.get(f"/users/{user['id']}").status_code == 200
    answer = client.delete("/users/me", headers=bearing(tokens))
    assert answer.status_code == 204
    assert answer.headers["Cache-Group-Invalidation"] == f'"user-{user["id"]}"'
    assert refused(client.get(f"/users/{user['id']}")) == (404, "not-found")
    assert refused(client.get("/users/me", headers=bearing(tokens))) == (401, "unauthenticated")
    assert refused(session(client, user["email"])) == (401, "bad-credentials")


def test_get_users_id_shows_what_anyone_may_see_and_lets_caches_keep_it(client: httpx.Client) -> None:
    user = somebody(client)
    answer = client.get(f"/users/{user['id']}")
    assert answer.json() == {"id": user["id"], "name": user["name"], "created_at": user["created_at"]}
    kept = "public, max-age=30, stale-while-revalidate=60, stale-if-error=300"
    assert answer.headers["Cache-Control"] == kept
    assert answer.headers["Cache-Groups"] == f'"user-{user["id"]}"'
    assert client.get(f"/users/{user['id']}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert refused(client.get(f"/users/{uuid.uuid4()}")) == (404, "not-found")


def test_get_users_lists_everybody_to_an_admin_page_by_page(client: httpx.Client, admin: Bearer) -> None:
    made = [somebody(client)["id"] for _ in range(3)]
    first = client.get("/users?limit=2", headers=admin).json()
    second = client.get(f"/users?limit=2&cursor={first['next_cursor']}", headers=admin).json()
    assert [user["id"] for user in first["items"] + second["items"]][:3] == made[::-1]
    assert refused(client.get("/users", headers=log_in(client))) == (403, "forbidden")
    assert refused(client.get("/users?cursor=x", headers=admin)) == (422, "invalid-request")


def test_get_jwks_shows_public_keys_and_nothing_private(client: httpx.Client) -> None:
    answer = client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    for key in answer.json()["keys"]:
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
        assert "d" not in key


def test_get_sessions_lists_those_that_live_and_delete_ends_one(client: httpx.Client) -> None:
    email = somebody(client)["email"]
    old, new = pair(client, email), pair(client, email)
    items = client.get("/sessions", headers=bearing(new)).json()["items"]
    assert [item["current"] for item in items] == [True, False]
    assert client.delete(f"/sessions/{items[1]['id']}", headers=bearing(new)).status_code == 204
    spent = client.post("/sessions/refresh", json={"refresh_token": old["refresh_token"]})
    assert refused(spent) == (401, "session-revoked")


def test_rotating_keys_under_load_fails_no_request(stack: Stack) -> None:
    def kids(load: Load) -> set[object]:
        return {jwt.get_unverified_header(token)["kid"] for answer in load.answers if (token := _issued(answer))}

    with httpx.Client(base_url=stack.url, timeout=30) as client:
        email = somebody(client)["email"]
        tokens = itertools.cycle([bearing(pair(client, email)) for _ in range(4)])

    async def come_and_go(client: httpx.AsyncClient) -> httpx.Response:
        """Mostly with a token from before, now and then with the newest there is."""
        if next(turns) % 200:
            return await client.get("/users/me", headers=next(tokens))
        answer = await client.post("/sessions", json={"email": email, "password": PASSWORD})
        newest = await client.get("/orders", headers=bearing(answer.json()))
        return answer if newest.status_code == 200 else newest

    turns = itertools.count()
    with under_load(stack.url, come_and_go, clients=4) as load:
        until(lambda: len(kids(load)) == 1)
        new = stack.run("rotate-keys").split()[2]
        until(lambda: new in kids(load))
        after = load.done
        until(lambda: load.done > after + 100)
    assert load.outcomes.keys() == {"200", "201"}, load.outcomes


def _issued(answer: httpx.Response) -> str:
    """The token that a login gave, if it was one."""
    return str(answer.json().get("access_token", ""))
