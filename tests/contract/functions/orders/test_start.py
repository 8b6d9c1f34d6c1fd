"""What the function needs to start, and what it does without."""

from collections.abc import Mapping

import pytest

from functions.orders.app import application
from tests.served import running

Headers = Mapping[str, str]


async def test_it_may_stop_and_start_again_in_one_process(environment: pytest.MonkeyPatch, alice: Headers) -> None:
    del environment
    for _ in range(2):
        async with running(application) as client:
            assert (await client.get("/orders", headers=alice)).status_code == 200


async def test_it_serves_products_while_there_are_no_keys_to_check_tokens_with(
    environment: pytest.MonkeyPatch, alice: Headers
) -> None:
    environment.setenv("JWKS_URL", "http://127.0.0.1:1/jwks.json")
    async with running(application) as client:
        assert (await client.get("/products")).status_code == 200
        refused = await client.get("/orders", headers=alice)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/keys-unavailable")
    assert int(refused.headers["retry-after"]) >= 1
