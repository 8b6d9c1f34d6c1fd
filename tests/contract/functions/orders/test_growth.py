"""What is there in plenty costs nothing where it is not asked for: it is counted beside few, and beside many."""

from pathlib import Path

import pytest

from functions.orders import model, store
from functions.orders.model import Line, NewProduct, OrderQuery
from runtime.database import Database
from runtime.database.ids import uuid7
from runtime.database.migrate import migrate
from tests.work import steps

FOLDER = Path("functions/orders")
FEW, MANY = 30, 1000


async def taken_beside(folder: Path, many: int, query: OrderQuery) -> int:
    """The steps that a page of Alice's takes, who has placed `many` orders."""
    url = f"sqlite:///{folder}/{many}.db"
    await migrate(url, FOLDER)
    database = await Database.open(url)
    async with database.write() as connection:
        await store.add_product(connection, "mug", NewProduct("Mug", "EUR", 1290, many))
        for _ in range(many):
            lines = [Line("mug", 1)]
            products, _ = await store.take(connection, lines)
            await store.add_order(connection, model.place(uuid7(), "alice", lines, products, 0), 0)
    with steps(database) as counted:
        async with database.single() as connection:
            await store.orders(connection, "alice", query)
    await database.close()
    return counted.taken


@pytest.mark.parametrize("query", [OrderQuery(), OrderQuery(status="placed"), OrderQuery(status="paid")])
async def test_a_page_looks_at_none_of_the_orders_that_it_does_not_show(tmp_path: Path, query: OrderQuery) -> None:
    """Somebody with a million of them asked for those of a status that none has, and nobody else was answered."""
    few, many = [await taken_beside(tmp_path, number, query) for number in (FEW, MANY)]
    assert many <= few + MANY / 10, (few, many)
