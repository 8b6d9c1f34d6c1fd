"""functions/users/logins.py: every line of the contract about sessions and keys, on both databases."""

import pytest
from httpx import AsyncClient, Response

from functions.users import logins
from functions.users.throttle.decision import ELSEWHERE, HERE
from runtime.identity.verifier import Verifier
from runtime.instant import now_ms
from tests.contract.functions.users.calls import ANN, bearing, joined, logged_in, pointers, problem, registered

LOGIN = {"email": "ann@example.ORG", "password": ANN["password"]}


async def test_a_login_gives_a_pair_that_no_cache_may_keep(client: AsyncClient) -> None:
    await registered(client)
    answer = await client.post("/sessions", json=LOGIN)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)


async def test_a_pair_says_where_its_session_is_and_can_be_ended(client: AsyncClient) -> None:
    await registered(client)
    begun = await client.post("/sessions", json=LOGIN)
    carried_on = await client.post("/sessions/refresh", json={"refresh_token": begun.json()["refresh_token"]})
    (session,) = (await client.get("/sessions", headers=bearing(begun.json()))).json()["items"]
    assert begun.headers["location"] == carried_on.headers["location"] == f"/sessions/{session['id']}"
    assert (await client.delete(begun.headers["location"], headers=bearing(begun.json()))).status_code == 204


async def test_the_published_keys_are_sent_again_only_when_they_have_changed(client: AsyncClient) -> None:
    keys = await client.get("/.well-known/jwks.json")
    again = await client.get("/.well-known/jwks.json", headers={"If-None-Match": keys.headers["etag"]})
    assert (keys.headers["cache-control"], keys.headers["content-type"]) == ("no-cache", "application/jwk-set+json")
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", keys.headers["etag"])


async def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(client: AsyncClient) -> None:
    await registered(client)
    wrong = await client.post("/sessions", json=LOGIN | {"password": "correct horse batterz"})
    unknown = await client.post("/sessions", json=LOGIN | {"email": "bob@example.org"})
    assert problem(wrong) == (401, "bad-credentials")
    assert (wrong.content, wrong.headers) == (unknown.content, unknown.headers)


@pytest.mark.parametrize("path", ["/sessions", "/sessions/refresh"])
async def test_everything_wrong_with_a_login_is_pointed_at(client: AsyncClient, path: str) -> None:
    assert len(pointers(await client.post(path, json={"email": 1, "password": None, "refresh_token": 1}))) == 3


async def test_others_can_check_a_token_with_the_published_keys(client: AsyncClient) -> None:
    user = await registered(client)
    pair = await logged_in(client)

    async def fetch() -> bytes:
        return (await client.get("/.well-known/jwks.json")).content

    principal = await Verifier(fetch, issuer="portico", audience="portico").verify(pair["access_token"])
    assert (principal.id, principal.role) == (user["id"], "user")


async def test_a_refresh_token_is_good_for_a_new_pair_which_is_good_for_the_next(client: AsyncClient) -> None:
    await registered(client)
    pair = await logged_in(client)
    seen = {pair["refresh_token"]}
    for _ in range(3):
        answer = await client.post("/sessions/refresh", json={"refresh_token": pair["refresh_token"]})
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        pair = answer.json()
        assert (await client.get("/users/me", headers=bearing(pair))).status_code == 200
        seen.add(pair["refresh_token"])
    assert len(seen) == 4


async def test_who_never_got_the_answer_may_ask_again(client: AsyncClient) -> None:
    await registered(client)
    spent = {"refresh_token": (await logged_in(client))["refresh_token"]}
    answers = [await client.post("/sessions/refresh", json=spent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_an_older_token_ends_the_session_for_the_thief_and_for_the_owner(client: AsyncClient) -> None:
    await registered(client)
    first = await logged_in(client)
    second = (await client.post("/sessions/refresh", json={"refresh_token": first["refresh_token"]})).json()
    third = (await client.post("/sessions/refresh", json={"refresh_token": second["refresh_token"]})).json()
    for pair in (first, second, third):
        answer = await client.post("/sessions/refresh", json={"refresh_token": pair["refresh_token"]})
        assert problem(answer) == (401, "session-revoked")
    assert problem(await client.get("/users/me", headers=bearing(third))) == (401, "unauthenticated")


@pytest.mark.parametrize("token", ["", "x", "\x00", "é" * 1000])
async def test_a_refresh_token_that_nobody_got_is_refused(client: AsyncClient, token: str) -> None:
    answer = await client.post("/sessions/refresh", json={"refresh_token": token})
    assert problem(answer) == (401, "session-revoked")


async def test_a_logout_ends_this_session_only_and_may_be_repeated(client: AsyncClient) -> None:
    await registered(client)
    here, elsewhere = await logged_in(client), await logged_in(client)
    for _ in range(2):
        answer = await client.delete("/sessions/current", headers=bearing(here))
        assert (answer.status_code, answer.content) == (204, b"")
    over = await client.post("/sessions/refresh", json={"refresh_token": here["refresh_token"]})
    assert problem(over) == (401, "session-revoked")
    assert problem(await client.get("/users/me", headers=bearing(here))) == (401, "unauthenticated")
    assert (await client.get("/users/me", headers=bearing(elsewhere))).status_code == 200


async def test_gateways_are_told_which_sessions_ended_until_their_tokens_are_gone(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    before = (await client.get("/sessions/ended")).json()
    assert before["sessions"] == []
    await client.delete("/sessions/current", headers=bearer)
    after = (await client.get("/sessions/ended", params={"since": before["since"]})).json()
    assert len(after["sessions"]) == 1
    assert after["lifetime"] == 900
    assert after["since"] >= before["since"]
    later = (await client.get("/sessions/ended", params={"since": now_ms() + 1})).json()
    assert later["sessions"] == []
    assert pointers(await client.get("/sessions/ended", params={"since": "x"})) == {"/since"}


async def test_gateways_are_told_page_by_page_where_many_ended_at_once(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "PAGE", 2)
    await registered(client)
    *_, last = [await logged_in(client) for _ in range(6)]
    ended = {each["id"] for each in (await client.get("/sessions", headers=bearing(last))).json()["items"]}
    assert (await client.delete("/users/me", headers=bearing(last))).status_code == 204
    pages = [(await client.get("/sessions/ended")).json()]
    while after := pages[-1]["after"]:
        pages.append((await client.get("/sessions/ended", params={"since": 0, "after": after})).json())
    assert [len(page["sessions"]) for page in pages] == [2, 2, 2, 0]
    assert {each for page in pages for each in page["sessions"]} == ended
    assert pointers(await client.get("/sessions/ended", params={"after": "x"})) == {"/after"}


async def test_sessions_are_listed_and_one_is_ended_by_its_owner_alone(client: AsyncClient) -> None:
    await registered(client)
    old, new = await logged_in(client), await logged_in(client)
    listed = await client.get("/sessions", headers=bearing(new))
    assert (listed.status_code, listed.headers["cache-control"]) == (200, "no-store")
    assert [item["current"] for item in listed.json()["items"]] == [True, False]
    path = f"/sessions/{listed.json()['items'][1]['id']}"

    _, stranger = await joined(client, {**ANN, "email": "bob@example.org"})
    assert problem(await client.delete(path, headers=stranger)) == (404, "not-found")
    for _ in range(2):
        assert (await client.delete(path, headers=bearing(new))).status_code == 204
    refreshed = await client.post("/sessions/refresh", json={"refresh_token": old["refresh_token"]})
    assert problem(refreshed) == (401, "session-revoked")
    assert len((await client.get("/sessions", headers=bearing(new))).json()["items"]) == 1


async def tried(client: AsyncClient, email: str, password: str, address: str = "192.0.2.1") -> Response:
    login = {"email": email, "password": password}
    return await client.post("/sessions", json=login, headers={"X-Forwarded-For": address})


@pytest.mark.parametrize("email", [ANN["email"], "nobody@example.org"])
async def test_who_guesses_is_told_to_wait_whether_or_not_the_email_is_known(client: AsyncClient, email: str) -> None:
    await registered(client)
    for _ in range(HERE.most):
        assert problem(await tried(client, email, "wrong horse battery")) == (401, "bad-credentials")
    refused = await tried(client, email.upper(), ANN["password"])  # not even looked at
    assert problem(refused) == (429, "quota-exceeded")
    assert refused.json()["violated-policies"] == ["logins"]
    assert 0 < int(refused.headers["retry-after"]) <= HERE.every / 1000


async def test_a_stranger_who_guesses_locks_nobody_out(client: AsyncClient) -> None:
    await registered(client)
    assert (await tried(client, ANN["email"], ANN["password"], "203.0.113.1")).status_code == 201
    for number in range(ELSEWHERE.most + 5):
        await tried(client, ANN["email"], "wrong horse battery", f"198.51.100.{number // 2}")
    assert (await tried(client, ANN["email"], ANN["password"], "198.51.100.1")).status_code == 429
    for address in ("203.0.113.1", "2001:db8::1", "203.0.113.2"):  # at home, and on a journey
        assert (await tried(client, ANN["email"], ANN["password"], address)).status_code == 201


async def test_logins_that_are_right_are_not_counted(client: AsyncClient) -> None:
    await registered(client)
    for _ in range(HERE.most + 5):
        assert (await tried(client, ANN["email"], ANN["password"])).status_code == 201
    assert problem(await tried(client, ANN["email"], "wrong horse battery")) == (401, "bad-credentials")


async def test_all_addresses_of_one_network_are_one_who_guesses(client: AsyncClient) -> None:
    await registered(client)
    statuses = [
        (await tried(client, ANN["email"], "wrong horse battery", f"2001:db8::{number}")).status_code
        for number in range(HERE.most + 1)
    ]
    assert statuses == [401] * HERE.most + [429]
