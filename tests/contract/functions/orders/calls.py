"""Calls that many tests of orders make, and how an answer is read."""

from collections.abc import Mapping
from typing import Any

from httpx import AsyncClient, Response

from runtime.database.ids import uuid7

Headers = Mapping[str, str]

MUG: dict[str, Any] = {"name": "Enamel mug", "currency": "EUR", "unit_price": 1290, "stock": 10}
PRODUCTS: dict[str, dict[str, Any]] = {
    "book": MUG | {"currency": "USD"},
    "mug": MUG,
    "rare": MUG | {"stock": 0},
    "tea": MUG | {"unit_price": 500},
}


async def stocked(client: AsyncClient, admin: Headers) -> None:
    """Adds the products."""
    for sku, product in PRODUCTS.items():
        assert (await client.put(f"/products/{sku}", json=product, headers=admin)).status_code == 201


def wanted(*lines: tuple[str, int]) -> dict[str, Any]:
    return {"items": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}


async def place(client: AsyncClient, who: Headers, *lines: tuple[str, int], key: str = "") -> Response:
    headers = {**who, "Idempotency-Key": f'"{key or uuid7()}"'}
    return await client.post("/orders", json=wanted(*lines), headers=headers)


async def replace(client: AsyncClient, admin: Headers, sku: str, product: Mapping[str, Any]) -> Response:
    """In the state that it is in now."""
    read = (await client.get(f"/products/{sku}")).headers["etag"]
    return await client.put(f"/products/{sku}", json=product, headers={**admin, "If-Match": read})


async def stock(client: AsyncClient, sku: str) -> int:
    return int((await client.get(f"/products/{sku}")).json()["stock"])


def problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    """The problem that the response has to be."""
    said: dict[str, Any] = response.json()
    assert (response.status_code, said["type"]) == (status, f"/problems/{slug}")
    assert response.headers["content-type"] == "application/problem+json"
    return said


def pointers(response: Response) -> list[str]:
    return [error["pointer"] for error in problem(response, 422, "invalid-request")["errors"]]
