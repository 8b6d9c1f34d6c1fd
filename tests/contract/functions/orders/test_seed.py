"""The seed as a person runs it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest
from httpx import AsyncClient

from functions.orders.model import NewProduct, Sku
from functions.orders.seed import PRODUCTS
from runtime.http.validation import convert


@pytest.fixture
def seed(orders_url: str) -> Callable[..., str]:
    """Runs the command; what it says."""

    def run(*options: str) -> str:
        command = ["env", f"DATABASE_URL={orders_url}", sys.executable, "-m", "functions.orders.seed", *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return run


def test_a_seed_says_how_many_products_were_new_and_may_run_again(seed: Callable[..., str]) -> None:
    assert seed() == "12 products were new, 0 were there already\n"
    assert seed() == "0 products were new, 12 were there already\n"


async def test_what_was_sold_is_not_put_back_by_a_seed(
    client: AsyncClient, seed: Callable[..., str], alice: dict[str, str]
) -> None:
    await asyncio.to_thread(seed)
    basket = {"items": [{"sku": "apron-linen", "quantity": 3}]}
    await client.post("/orders", json=basket, headers={**alice, "Idempotency-Key": "k"})
    await asyncio.to_thread(seed)
    left = PRODUCTS["apron-linen"].stock - 3
    assert (await client.get("/products/apron-linen")).json()["stock"] == left


async def test_what_was_sold_is_filled_up_if_that_is_asked_and_what_is_more_stays(
    client: AsyncClient, seed: Callable[..., str], alice: dict[str, str]
) -> None:
    await asyncio.to_thread(seed)
    basket = {"items": [{"sku": "apron-linen", "quantity": 3}]}
    await client.post("/orders", json=basket, headers={**alice, "Idempotency-Key": "k"})
    said = await asyncio.to_thread(seed, "--again")
    assert said == "0 products were new, 12 were there already\n1 were filled up\n"
    assert (await client.get("/products/apron-linen")).json()["stock"] == PRODUCTS["apron-linen"].stock
    assert (await asyncio.to_thread(seed, "--again")).endswith("0 were filled up\n")


def test_every_seeded_product_is_one_that_an_admin_could_put() -> None:
    for sku, product in PRODUCTS.items():
        convert(sku, Sku)
        assert convert({name: getattr(product, name) for name in product.__struct_fields__}, NewProduct) == product
