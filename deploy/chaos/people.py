"""The people of a run: accounts made through the front door, logged in once."""

import asyncio
import json

from deploy.chaos.traffic import PASSWORD, Person
from deploy.chaos.wire import Broken, Request, Sender
from deploy.engine import Refusal

_AT_ONCE = 4  # passwords are hashed, and more would only queue


async def make(sender: Sender, run: str, number: int) -> list[Person]:
    """Raises Refusal when the stack makes none."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(email: str) -> Person:
        async with turns:
            return await _person(sender, email)

    return await asyncio.gather(*(one(f"{run}-p{each}@example.com") for each in range(number)))


async def _person(sender: Sender, email: str) -> Person:
    account = {"email": email, "name": "Chaos", "password": PASSWORD}
    user = await _made(sender, "/users", account)
    session = await _made(sender, "/sessions", {"email": email, "password": PASSWORD})
    return Person(user["id"], session["access_token"])


async def _made(sender: Sender, path: str, body: dict[str, str]) -> dict[str, str]:
    request = Request("POST", path, {"Content-Type": "application/json"}, json.dumps(body).encode())
    try:
        answer = await sender.send(request)
    except (OSError, Broken) as error:
        raise Refusal(f"POST {path} got no answer ({error}): see that all is ready with `just ps`.") from error
    if answer.status != 201:
        raise Refusal(f"POST {path} was answered {answer.status} {answer.body.decode()[:300]}: read `just logs`.")
    made: dict[str, str] = json.loads(answer.body)
    return made
