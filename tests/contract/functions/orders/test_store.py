"""Products and orders in real databases: what statements promise when others write at the same time."""

import asyncio
from itertools import groupby

import pytest

from functions.orders import model, store
from functions.orders.model import Item, Line, NewProduct, Order, OrderQuery
from runtime.database import Connection, Database
from runtime.database.ids import uuid7
from runtime.http.page import Cursor, PageQuery, page

MUG = NewProduct("Mug", "EUR", 1290, 5)
TEA = NewProduct("Tea", "EUR", 500, 5)


@pytest.fixture(autouse=True)
async def _products(database: Database) -> None:
    async with database.write() as connection:
        assert await store.add_product(connection, "mug", MUG)
        assert await store.add_product(connection, "tea", TEA)


async def stock(database: Database, sku: str) -> int:
    async with database.read() as connection:
        product = await store.product(connection, sku)
    assert product is not None
    return product.stock


async def add(connection: Connection, *lines: Line, user_id: str = "alice") -> Order:
    products, lacking = await store.take(connection, lines)
    assert not lacking
    order = model.place(uuid7(), user_id, lines, products, 1000)
    await store.add_order(connection, order, 1000)
    return order


async def test_a_product_that_exists_is_not_added_again(database: Database) -> None:
    async with database.write() as connection:
        assert not await store.add_product(connection, "mug", TEA)
        found = await store.product(connection, "mug")
    assert found is not None
    assert found.name == "Mug"


async def test_of_many_that_add_a_new_product_at_once_one_adds_it(database: Database) -> None:
    async def put(price: int) -> bool:
        async with database.write() as connection:
            return await store.add_product(connection, "new", NewProduct("New", "EUR", price, 1))

    assert sum(await asyncio.gather(*(put(price) for price in range(8)))) == 1


async def test_taking_tells_the_products_as_they_are_and_which_of_them_lack(database: Database) -> None:
    lines = [Line("tea", 6), Line("none", 1), Line("mug", 5)]
    async with database.write() as connection:
        products, lacking = await store.take(connection, lines)
    assert lacking == ["none", "tea"]
    assert {sku: product.stock for sku, product in products.items()} == {"mug": 0, "tea": 5}


async def test_what_is_taken_in_a_transaction_that_fails_is_not_taken(database: Database) -> None:
    async def crash() -> None:
        async with database.write() as connection:
            await add(connection, Line("mug", 5))
            raise OSError("crash")

    with pytest.raises(OSError, match="crash"):
        await crash()
    assert await stock(database, "mug") == 5


async def test_takers_in_opposite_orders_do_not_wait_for_each_other_in_a_circle(database: Database) -> None:
    async def take(*lines: Line) -> bool:
        async with database.write() as connection:
            _, lacking = await store.take(connection, lines)
            if lacking:
                await store.give_back(connection, [Item(line.sku, line.quantity, 1) for line in lines])
            return not lacking

    there, back = (Line("mug", 1), Line("tea", 1)), (Line("tea", 1), Line("mug", 1))
    assert sum(await asyncio.gather(*(take(*lines) for lines in (there, back) * 2))) == 4
    assert await stock(database, "mug") == await stock(database, "tea") == 1


async def test_stock_below_zero_is_refused_by_the_database_itself(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)check"):
        async with database.write() as connection:
            await store.give_back(connection, [Item("mug", -6, 1)])
    assert await stock(database, "mug") == 5


async def test_an_order_reads_back_as_it_was_added(database: Database) -> None:
    async with database.write() as connection:
        order = await add(connection, Line("tea", 2), Line("mug", 1))
    async with database.read() as connection:
        assert await store.order(connection, order.id) == order
        assert await store.order(connection, uuid7()) is None


async def test_a_locked_order_is_one_that_others_wait_for(database: Database) -> None:
    async with database.write() as connection:
        order = await add(connection, Line("mug", 1))
    turns: list[str] = []

    async def step(name: str) -> None:
        async with database.write() as connection:
            for _ in range(5):
                assert await store.locked_order(connection, order.id)
                turns.append(name)

    await asyncio.gather(*(step(name) for name in "abc"))
    assert [len(list(group)) for _, group in groupby(turns)] == [5, 5, 5]


async def test_a_step_changes_status_and_moment_and_nothing_else(database: Database) -> None:
    async with database.write() as connection:
        order = await add(connection, Line("mug", 1))
        await store.set_status(connection, order.id, "paid", 2042)
        found = await store.order(connection, order.id)
    assert found is not None
    assert (found.status, found.created_at, found.updated_at) == (
        "paid",
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:00:02.042Z",
    )
    assert (found.items, found.total) == (order.items, order.total)


async def test_orders_are_the_users_own_newest_first_and_one_more_than_the_page(database: Database) -> None:
    async with database.write() as connection:
        made = [await add(connection, Line("mug", 1), Line("tea", 1)) for _ in range(3)]
        await add(connection, Line("mug", 1), user_id="bob")
    async with database.read() as connection:
        assert await store.orders(connection, "alice", OrderQuery(limit=1)) == made[:0:-1]
        assert await store.orders(connection, "alice", OrderQuery(cursor=Cursor(made[1].id))) == made[:1]
        assert await store.orders(connection, "alice", OrderQuery(status="paid")) == []
        assert await store.orders(connection, "carol", OrderQuery()) == []


async def test_no_product_is_shown_twice_or_left_out_while_others_come(database: Database) -> None:
    skus = [f"sku-{number:02}" for number in range(0, 40, 2)] + ["Upper", "upper", "a.b", "a-b", "a_b"]
    async with database.write() as connection:
        for sku in skus:
            await store.add_product(connection, sku, MUG)
    seen: list[str] = []
    cursor: Cursor | None = None
    for number in range(1, 100, 2):
        async with database.write() as connection:
            await store.add_product(connection, f"sku-{number:02}", MUG)
            found = page(await store.products(connection, PageQuery(3, cursor)), 3, lambda product: product.sku)
        seen += [product.sku for product in found.items]
        if found.next_cursor is None:
            break
        cursor = Cursor.parse(found.next_cursor)
    assert len(seen) == len(set(seen))
    assert set(seen) >= {*skus, "mug", "tea"}
