"""The rows that the ledger is held against, read from the functions' databases by SQL that both kinds know."""

import json
from collections.abc import Mapping

from deploy.backup.store import Store
from deploy.chaos.ledger import Books, Order, Recorded

_ORDERS = "SELECT id, user_id, status FROM orders WHERE created_at >= {since}"
_KEYS = "SELECT key, principal, outcome FROM idempotency_keys WHERE key LIKE '{run}-%' AND outcome IS NOT NULL"
_EMAILS = "SELECT email_key FROM users WHERE email_key LIKE '{run}-%'"
_HOLDINGS = """
SELECT sku, stock + coalesce((
    SELECT sum(quantity) FROM order_items JOIN orders ON orders.id = order_id
    WHERE order_items.sku = products.sku AND status <> 'cancelled'
), 0) FROM products
"""
_STOCK = "SELECT sku, stock FROM products WHERE currency = 'EUR' AND stock > 0"
_ORDER = "/orders/"  # what the Location of an order begins with


def read(stores: Mapping[str, Store], run: str, since: int) -> Books:
    """Everything of the run that is named `run`, whose orders are no older than `since` (ms since 1970)."""
    orders, users = stores["orders"], stores["users"]
    return Books(
        orders=[Order(*row) for row in orders.rows(_ORDERS.format(since=int(since)))],
        recorded=[
            Recorded(key, user, order)
            for key, user, outcome in orders.rows(_KEYS.format(run=run))
            if (order := made(outcome))
        ],
        emails=[email for (email,) in users.rows(_EMAILS.format(run=run))],
        holdings=holdings(stores),
    )


def holdings(stores: Mapping[str, Store]) -> dict[str, int]:
    """By product: pieces in stock and in orders that hold them."""
    return {sku: int(pieces) for sku, pieces in stores["orders"].rows(_HOLDINGS)}


def stock(stores: Mapping[str, Store]) -> dict[str, int]:
    """Pieces that may be ordered together, by product."""
    return {sku: int(pieces) for sku, pieces in stores["orders"].rows(_STOCK)}


def made(outcome: str) -> str:
    """The order that a recorded answer tells of; "" for a refusal."""
    headers = json.loads(outcome).get("headers", [])
    places = (value for name, value in headers if name.lower() == "location")
    return next((place.removeprefix(_ORDER) for place in places if place.startswith(_ORDER)), "")
