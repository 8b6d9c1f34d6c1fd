"""Products and orders in the database: one SQL text for PostgreSQL and SQLite.

In: an open transaction. Out: structs of the model. It decides nothing and commits nothing. Rows of several products are
changed in the order of their skus, so that no two transactions wait for each other.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import cast

import msgspec

from functions.orders.model import Item, Line, NewProduct, Order, OrderQuery, Product, Status
from runtime.database import Connection, Row
from runtime.http.page import PageQuery
from runtime.instant import rfc3339

_MAX_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"  # RFC 9562, section 5.10: no id sorts behind it

_PRODUCT = "SELECT sku, name, currency, unit_price, stock FROM products WHERE sku = $1"

_PRODUCTS = """
    SELECT sku, name, currency, unit_price, stock FROM products WHERE sku > $1 ORDER BY sku LIMIT $2
"""

_ADD = """
    INSERT INTO products (sku, name, currency, unit_price, stock) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""

_CHANGE = "UPDATE products SET name = $2, currency = $3, unit_price = $4, stock = $5 WHERE sku = $1"

_HOLD = "UPDATE products SET stock = stock WHERE sku = $1"

_FILL = "UPDATE products SET stock = $2 WHERE sku = $1 AND stock < $2"

_TAKE = """
    UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2
    RETURNING sku, name, currency, unit_price, stock
"""

_GIVE_BACK = "UPDATE products SET stock = stock + $2 WHERE sku = $1"

_ADD_ORDER = """
    INSERT INTO orders (id, user_id, status, currency, total, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
"""

_ADD_ITEM = "INSERT INTO order_items (order_id, position, sku, quantity, unit_price) VALUES ($1, $2, $3, $4, $5)"

_ORDER = """
    SELECT
        o.id, o.user_id, o.status, o.currency, o.total, o.created_at, o.updated_at, i.sku, i.quantity, i.unit_price
    FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
    WHERE o.id = $1 ORDER BY i.position
"""

_PAGE = """
    SELECT
        o.id, o.user_id, o.status, o.currency, o.total, o.created_at, o.updated_at, i.sku, i.quantity, i.unit_price
    FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
    WHERE o.id IN (SELECT id FROM orders WHERE user_id = $1 {status} AND id < $2 ORDER BY id DESC LIMIT $3)
    ORDER BY o.id DESC, i.position
"""

# Two texts, each with an index of its own: one for both would look at all orders of a user for few of a status.
_ORDERS = _PAGE.format(status="")
_ORDERS_OF_STATUS = _PAGE.format(status="AND status = $4")

_LOCK = "UPDATE orders SET status = status WHERE id = $1"

_STEP = "UPDATE orders SET status = $2, updated_at = $3 WHERE id = $1"


async def product(connection: Connection, sku: str) -> Product | None:
    """The product, or None."""
    row = await connection.fetch_one(_PRODUCT, sku)
    return None if row is None else _product(row)


async def products(connection: Connection, query: PageQuery) -> list[Product]:
    """The products behind the cursor, by sku, and one more than the page holds if there are as many."""
    return [_product(row) for row in await connection.fetch(_PRODUCTS, query.cursor or "", query.limit + 1)]


async def fill(connection: Connection, sku: str, stock: int) -> bool:
    """Has at least so many pieces in stock; whether there were fewer."""
    return await connection.execute(_FILL, sku, stock) == 1


async def add_product(connection: Connection, sku: str, new: NewProduct) -> bool:
    """Whether it was added; one that exists stays as it is."""
    return await connection.execute(_ADD, sku, new.name, new.currency, new.unit_price, new.stock) == 1


async def locked_product(connection: Connection, sku: str) -> Product | None:
    """The product, which no one else changes until the transaction ends; or None."""
    await connection.execute(_HOLD, sku)
    return await product(connection, sku)


async def change_product(connection: Connection, product: Product) -> None:
    """Has it be `product` from now on."""
    values = (product.name, product.currency, product.unit_price, product.stock)
    await connection.execute(_CHANGE, product.sku, *values)


async def take(connection: Connection, lines: Sequence[Line]) -> tuple[dict[str, Product], list[str]]:
    """Takes what `lines` want from stock: the products that exist, and the skus that have less than is wanted.

    A price seen here stands until the transaction ends. Where skus are lacking, the caller rolls back.
    """
    known: dict[str, Product] = {}
    lacking: list[str] = []
    for line in sorted(lines, key=lambda line: line.sku):
        row = await connection.fetch_one(_TAKE, line.sku, line.quantity)
        if row is None:
            lacking.append(line.sku)
            row = await connection.fetch_one(_PRODUCT, line.sku)
        if row is not None:
            known[line.sku] = _product(row)
    return known, lacking


async def give_back(connection: Connection, items: Sequence[Item]) -> None:
    """Puts what an order took into stock again."""
    for item in sorted(items, key=lambda item: item.sku):
        await connection.execute(_GIVE_BACK, item.sku, item.quantity)


async def add_order(connection: Connection, order: Order, now: int) -> None:
    """Adds a new order, made at `now` (ms since the epoch)."""
    await connection.execute(_ADD_ORDER, order.id, order.user_id, order.status, order.currency, order.total, now)
    for position, item in enumerate(order.items):
        await connection.execute(_ADD_ITEM, order.id, position, item.sku, item.quantity, item.unit_price)


async def order(connection: Connection, id_: str) -> Order | None:
    """The order, whoever's it is, or None."""
    return next(_orders(await connection.fetch(_ORDER, id_)), None)


async def orders(connection: Connection, user_id: str, query: OrderQuery) -> list[Order]:
    """The user's orders behind the cursor, newest first, and one more than the page holds if there are as many."""
    values = (user_id, query.cursor or _MAX_ID, query.limit + 1)
    if query.status is msgspec.UNSET:
        return list(_orders(await connection.fetch(_ORDERS, *values)))
    return list(_orders(await connection.fetch(_ORDERS_OF_STATUS, *values, query.status)))


async def locked_order(connection: Connection, id_: str) -> Order | None:
    """The order, which no one else changes until the transaction ends; or None."""
    await connection.execute(_LOCK, id_)
    return await order(connection, id_)


async def set_status(connection: Connection, id_: str, status: Status, now: int) -> None:
    """Moves an order on at `now` (ms since the epoch); whether it may is for the caller."""
    await connection.execute(_STEP, id_, status, now)


def _product(row: Row) -> Product:
    return Product(row["sku"], row["name"], row["currency"], row["unit_price"], row["stock"])


def _orders(rows: Sequence[Row]) -> Iterator[Order]:
    """From rows of one item each, in order."""
    for _, group in groupby(rows, lambda row: cast("str", row["id"])):
        of_one = list(group)
        head = of_one[0]
        yield Order(
            id=head["id"],
            user_id=head["user_id"],
            status=head["status"],
            currency=head["currency"],
            items=[Item(row["sku"], row["quantity"], row["unit_price"]) for row in of_one],
            total=head["total"],
            created_at=rfc3339(head["created_at"]),
            updated_at=rfc3339(head["updated_at"]),
        )
