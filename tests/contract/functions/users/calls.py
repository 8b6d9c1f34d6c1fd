"""Calls that many tests of users make, and how an answer is read."""

import os
from pathlib import Path

import jwt
from httpx import AsyncClient, Response

from functions.users.keys import Keys

ANN = {"email": "Ann@Example.org", "name": "Ann", "password": "correct horse battery"}
BOB = {"email": "bob@example.org", "name": "Bob", "password": "battery staple horse"}

Bearer = dict[str, str]


async def registered(client: AsyncClient, who: dict[str, str] = ANN) -> dict[str, str]:
    """The private user."""
    answer = await client.post("/users", json=who)
    assert answer.status_code == 201
    body: dict[str, str] = answer.json()
    return body


async def logged_in(client: AsyncClient, who: dict[str, str] = ANN) -> dict[str, str]:
    """The pair of tokens."""
    answer = await client.post("/sessions", json={"email": who["email"], "password": who["password"]})
    assert answer.status_code == 201
    body: dict[str, str] = answer.json()
    return body


async def joined(client: AsyncClient, who: dict[str, str] = ANN) -> tuple[dict[str, str], Bearer]:
    """Registers and logs in: the private user, and the header that speaks for it."""
    return await registered(client, who), bearing(await logged_in(client, who))


def bearing(pair: dict[str, str]) -> Bearer:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def aged(bearer: Bearer, seconds: int) -> Bearer:
    """The same token, as if its login had been this much earlier."""
    claims = jwt.decode(bearer["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    keys = Keys(Path(os.environ["SIGNING_KEYS_DIR"]), 900)
    return {"Authorization": f"Bearer {keys.sign(claims | {'auth_time': claims['auth_time'] - seconds})}"}


def problem(answer: Response) -> tuple[int, str]:
    """Status and slug."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def pointers(answer: Response) -> set[str]:
    """What an answer of invalid-request points at."""
    assert problem(answer) == (422, "invalid-request")
    return {error["pointer"] for error in answer.json()["errors"]}
