"""Whatever comes in, what goes out is a problem that points at it, and nothing is written."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.contract.functions.users.calls import ANN, BOB, joined, logged_in, pointers, problem, registered

JSON = {"Content-Type": "application/json"}
HUGE = 10**400
PLACES = [("POST", "/users"), ("POST", "/sessions"), ("POST", "/sessions/refresh"), ("PATCH", "/users/me")]


def each(name: str, *values: object) -> list[tuple[dict[str, object], str]]:
    """A case for every value of one member."""
    return [({name: value}, f"/{name}") for value in values]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        *each("email", None, 5, [True], [], {}, "", "a", "a@", "@b.org", "a@b", "a@@b.org", "a\x00@b.org", "a b@c.org"),
        *each("email", f"{'a' * 65}@b.org", f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.org"),
        *each("name", None, 5, HUGE, [], {}, "", " ", "a\x00b", "a\nb", "x" * 101, "\u2028"),
        *each("password", None, 5, [], "x" * 11, "x" * 129),
        *each("role", "admin"),
        ({"": 1}, "/"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"\x00": 1}, "/\x00"),
    ],
)
async def test_a_member_out_of_bounds_is_pointed_at_and_makes_no_account(
    client: AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    assert pointers(await client.post("/users", json=ANN | changes)) == {pointer}
    await registered(client)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x"},
        {"name": "\U0001d54f" * 100},
        {"password": "x" * 12},
        {"password": "\x00" * 128},
        {"email": f"{'a' * 64}@b.org"},
    ],
)
async def test_a_member_at_its_bounds_is_taken(client: AsyncClient, changes: dict[str, str]) -> None:
    who = ANN | changes
    assert (await registered(client, who))["name"] == who["name"]
    await logged_in(client, who)


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}}",
        b"[" * 8000,
        b"[" * 65 + b"]" * 65,
        b'{"a":1,"a":' * 970 + b"1" + b"}" * 970,
        b'[{"email":1,"email":2}',
        b'{"email":' * 1600,
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\ud800\\u0041"}',
        b'{"name": NaN}',
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda body: str(body[:20]),
)
async def test_what_is_not_json_is_malformed_everywhere(
    client: AsyncClient, method: str, path: str, body: bytes
) -> None:
    _, bearer = await joined(client)
    answer = await client.request(method, path, content=body, headers=bearer | JSON)
    assert problem(answer) == (400, "malformed-request")


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[" * 64 + b"]" * 64, ""),
        (b'"text"', ""),
        (b"%d" % HUGE, ""),
        (b'{"a": 1, "a": 1}', "/a"),
        (b'{"email": "a@b.org", "email": "c@d.org"}', "/email"),
    ],
    ids=["deep", "text", "huge", "twice", "an email twice"],
)
async def test_json_of_another_shape_is_invalid_everywhere(
    client: AsyncClient, method: str, path: str, body: bytes, pointer: str
) -> None:
    _, bearer = await joined(client)
    assert pointer in pointers(await client.request(method, path, content=body, headers=bearer | JSON))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": ";"},
        {"Content-Type": "\u00e9"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
async def test_another_type_charset_or_coding_is_not_guessed_at(client: AsyncClient, headers: dict[str, str]) -> None:
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = await client.post("/users", content=b"{}", headers=encoded)
    assert problem(answer) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "if_match", ["", "*x", '"', "W/", '""', 'W/"x"', "x" * 1000, '"a", "b"', '"\u00e9"', '"\x01"', "null"]
)
async def test_a_garbled_if_match_matches_nothing(client: AsyncClient, if_match: str) -> None:
    _, bearer = await joined(client)
    headers = {b"Authorization": bearer["Authorization"].encode(), b"If-Match": if_match.encode("latin-1")}
    answer = await client.patch("/users/me", json={"name": "Eve"}, headers=headers)
    assert problem(answer) == (412, "precondition-failed")
    assert (await client.get("/users/me", headers=bearer)).json()["name"] == "Ann"


@pytest.mark.parametrize("token", ["", "\x00", "\U0001f600", "x" * 10_000, "0" * 64])
async def test_a_refresh_token_that_nobody_gave_ends_nothing(client: AsyncClient, token: str) -> None:
    _, bearer = await joined(client)
    answer = await client.post("/sessions/refresh", json={"refresh_token": token})
    assert problem(answer) == (401, "session-revoked")
    assert (await client.get("/users/me", headers=bearer)).status_code == 200


@pytest.mark.parametrize("path", ["%00", "%ff", "%F0%9F%98%80", "..", "%2e%2e", "x" * 5000, "0" * 36, "me%00", "null"])
async def test_a_user_that_cannot_be_is_not_found(client: AsyncClient, path: str) -> None:
    assert problem(await client.get(f"/users/{path}"))[0] == 404


@pytest.mark.parametrize("password", ["", "\x00", "x" * 10_000, "\U0001f600"])
async def test_any_password_may_be_tried(client: AsyncClient, password: str) -> None:
    await registered(client)
    answer = await client.post("/sessions", json={"email": ANN["email"], "password": password})
    assert problem(answer) == (401, "bad-credentials")


async def test_a_change_with_one_fault_changes_nothing(client: AsyncClient) -> None:
    _, bearer = await joined(client)
    before = await client.get("/users/me", headers=bearer)
    headers = bearer | {"If-Match": before.headers["ETag"]}
    answer = await client.patch("/users/me", json={"name": "Eve", "email": BOB["email"] + "\x00"}, headers=headers)
    assert pointers(answer) == {"/email"}
    assert (await client.get("/users/me", headers=bearer)).json() == before.json()
