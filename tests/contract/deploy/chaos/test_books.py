"""The rows that a run is held against, out of databases with the functions' own schemas."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.backup.sqlite import Sqlite
from deploy.chaos import books
from deploy.chaos.ledger import Order, Recorded
from runtime.database import Connection, Database
from runtime.database.idempotency import Answer, Claim, once
from runtime.database.migrate import migrate
from runtime.instant import now_ms

ORDER = "INSERT INTO orders VALUES (?, ?, ?, 'EUR', 900, ?, 0)"
ITEM = "INSERT INTO order_items VALUES (?, 0, 'mug', ?, 900)"


@pytest.fixture
async def stores(tmp_path: Path) -> dict[str, Sqlite]:
    """A mug in stock, one ordered, two cancelled; and two accounts."""
    for name in ("orders", "users"):
        (tmp_path / f"{name}.db").touch()
        await migrate(f"sqlite:///{tmp_path / name}.db", Path("functions") / name)
    with closing(sqlite3.connect(tmp_path / "orders.db")) as orders, orders:
        orders.execute("INSERT INTO products VALUES ('mug', 'Mug', 'EUR', 900, 5)")
        orders.execute("INSERT INTO products VALUES ('tea', 'Tea', 'EUR', 300, 0)")
        for order, status, quantity, made in (("o1", "paid", 1, 100), ("o2", "cancelled", 2, 200)):
            orders.execute(ORDER, (order, "ada", status, made))
            orders.execute(ITEM, (order, quantity))
    with closing(sqlite3.connect(tmp_path / "users.db")) as users, users:
        for name in ("run-1", "other"):
            users.execute(
                "INSERT INTO users VALUES (?, ?, ?, '', '', '', 0, 0, 0)", (name, name, f"{name}@example.com")
            )
    return {name: Sqlite(tmp_path / f"{name}.db") for name in ("orders", "users")}


async def record(stores: dict[str, Sqlite], key: str, *headers: tuple[str, str]) -> None:
    """As the function does it."""

    async def effect(_: Connection) -> Answer:
        return Answer(201, [*headers], b"{}")

    database = await Database.open(f"sqlite:///{stores['orders']._path}")
    await once(database, Claim("ada", "POST", "/orders", key, ""), effect, now=now_ms)
    await database.close()


async def test_the_rows_of_a_run_are_read(stores: dict[str, Sqlite]) -> None:
    await record(stores, "run-7", ("Location", "/orders/o1"))
    await record(stores, "another-7", ("Location", "/orders/o2"))
    found = books.read(stores, "run", since=50)
    assert found.orders == [Order("o1", "ada", "paid"), Order("o2", "ada", "cancelled")]
    assert found.recorded == [Recorded("run-7", "ada", "o1")]
    assert found.emails == ["run-1@example.com"]


async def test_orders_of_before_the_run_are_left_out(stores: dict[str, Sqlite]) -> None:
    assert books.read(stores, "run", since=150).orders == [Order("o2", "ada", "cancelled")]


async def test_what_an_order_holds_counts_beside_the_stock_and_what_was_cancelled_does_not(
    stores: dict[str, Sqlite],
) -> None:
    assert books.holdings(stores) == {"mug": 6, "tea": 0}
    assert books.stock(stores) == {"mug": 5}


def test_a_refusal_made_no_order() -> None:
    assert books.made('{"type":"refusal","headers":[]}') == ""
    assert books.made('{"type":"answer","headers":[["content-type","x"],["location","/orders/o1"]]}') == "o1"
