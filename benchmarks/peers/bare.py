"""The statements of a keyed order, one transaction after the other and nothing else. Arguments: URL, seconds, products.

Prints how many a second. On SQLite one connection does it, as there is one writer; on PostgreSQL six side by side.
"""

import asyncio
import sqlite3
import sys
import time
from itertools import count

URL, SECONDS, PRODUCTS = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
WRITERS = 6
MINE = (str(time.time_ns()), "POST", "/orders")
CLAIM = """
INSERT INTO idempotency_keys (principal, method, route, key, fingerprint, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""
TAKE = "UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING sku, name, unit_price, stock"
ORDER = """
INSERT INTO orders (id, user_id, status, currency, total, created_at, updated_at)
VALUES ($1, $2, 'placed', 'EUR', 1, $3, $3)
"""
ITEM = "INSERT INTO order_items (order_id, position, sku, quantity, unit_price) VALUES ($1, $2, $3, $4, $5)"
RECORD = "UPDATE idempotency_keys SET outcome = $5 WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4"


def steps(number: int) -> list[tuple[str, tuple[object, ...]]]:
    """Of one order."""
    key, sku, now = f"{MINE[0]}-{number}", f"sku-{number % PRODUCTS}", 1
    return [
        (CLAIM, (*MINE, key, "f", now)),
        ("SAVEPOINT effect", ()),
        (TAKE, (sku, 1)),
        (ORDER, (key, "u", now)),
        (ITEM, (key, 0, sku, 1, 1)),
        (RECORD, (*MINE, key, "x" * 400)),
    ]


def on_sqlite(path: str) -> int:
    """How many were done."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    until = time.monotonic() + SECONDS
    for number in count():
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in steps(number):
            connection.execute(sql, {str(at): value for at, value in enumerate(values, 1)}).fetchall()
        connection.execute("COMMIT")
        if time.monotonic() > until:
            return number
    raise AssertionError


async def on_postgres() -> int:
    """How many were done."""
    import asyncpg  # noqa: PLC0415  only where it is asked for

    numbers, until = count(), time.monotonic() + SECONDS

    async def write() -> None:
        connection = await asyncpg.connect(URL)
        while time.monotonic() < until:
            number = next(numbers)
            await connection.execute("BEGIN")
            for sql, values in steps(number):
                await connection.fetch(sql, *values)
            await connection.execute("COMMIT")
        await connection.close()

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return next(numbers)


done = on_sqlite(URL.removeprefix("sqlite:///")) if URL.startswith("sqlite") else asyncio.run(on_postgres())
sys.stdout.write(f"{done / SECONDS}\n")
