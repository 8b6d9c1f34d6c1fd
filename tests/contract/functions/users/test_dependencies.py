"""functions/users/dependencies.py: who is calling, as handlers see it."""

import pytest
from httpx import AsyncClient

from tests.contract.functions.users.calls import aged, joined, problem

CALLS = [("GET", "/users/me"), ("DELETE", "/users/me"), ("GET", "/users"), ("DELETE", "/sessions/current")]


@pytest.mark.parametrize("authorization", [None, b"Basic QQ==", b"Bearer x.y.z", b"Bearer \xe9"])
async def test_nobody_gets_in_without_a_good_token(client: AsyncClient, authorization: bytes | None) -> None:
    headers = {} if authorization is None else {b"authorization": authorization}
    for method, path in CALLS:
        answer = await client.request(method, path, headers=headers)
        assert problem(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_good_token_speaks_for_its_user_for_as_long_as_it_lives(client: AsyncClient) -> None:
    user, bearer = await joined(client)
    assert (await client.get("/users/me", headers=aged(bearer, 86_400))).json() == user
