"""What an order is, and the rules that need no database: prices, totals, and the steps from placed to shipped.

In: what a client sent and the products as they stand. Out: an order, or what is wrong with it. Money is a whole number
of minor units under an ISO 4217 code; the bounds keep every total below 2^53, so that JSON readers see it exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from runtime.http.page import PageQuery
from runtime.http.problem import Kind, Problem
from runtime.http.validation import Fault, Invalid
from runtime.instant import Instant, rfc3339

OUT_OF_STOCK = Kind(
    "out-of-stock", 409, "Out of stock", "There is less in stock than was ordered; `skus` names the products."
)
INVALID_TRANSITION = Kind(
    "invalid-transition", 409, "Invalid transition", "The order cannot go from where it stands to what was asked for."
)

Status = Literal["placed", "paid", "shipped", "cancelled"]

# Patterns end in \Z: `$` would let a line feed through.
Sku = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", examples=["beans-ethiopia-250"])]
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=200, examples=["Ethiopia, 250 g"])]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
Id = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", examples=["0197a3c2-8c5e-7000-8000-000000000001"]),
]
Price = Annotated[int, Meta(ge=0, le=1_000_000_000, examples=[1150])]
Stock = Annotated[int, Meta(ge=0, le=1_000_000_000, examples=[40])]
Quantity = Annotated[int, Meta(ge=1, le=1000, examples=[2])]
Total = Annotated[int, Meta(examples=[2300])]

_BEFORE: Mapping[Status, Sequence[Status]] = {
    "placed": (),
    "paid": ("placed",),
    "shipped": ("paid",),
    "cancelled": ("placed", "paid"),
}


class NewProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `PUT /products/{sku}` takes; a name is one line of text."""

    name: Name
    currency: Currency
    unit_price: Price
    stock: Stock


class Product(msgspec.Struct, frozen=True):
    """A product as it stands."""

    sku: Sku
    name: Name
    currency: Currency
    unit_price: Price
    stock: Stock


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted of one product."""

    sku: Sku
    quantity: Quantity


class NewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /orders` takes."""

    items: Annotated[list[Line], Meta(min_length=1, max_length=100)]


class Item(msgspec.Struct, frozen=True):
    """What was ordered of one product, at its price at that moment."""

    sku: Sku
    quantity: Quantity
    unit_price: Price


class Order(msgspec.Struct, frozen=True):
    """An order as its owner sees it."""

    id: Id
    user_id: Id
    status: Annotated[Status, Meta(examples=["placed"])]
    currency: Currency
    items: list[Item]
    total: Total
    created_at: Instant
    updated_at: Instant


class OrderQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """What `GET /orders` may be asked for. `user_id` is whose: an admin's choice."""

    status: Status | msgspec.UnsetType = msgspec.UNSET
    user_id: Id | msgspec.UnsetType = msgspec.UNSET


def place(id_: str, user_id: str, lines: Sequence[Line], products: Mapping[str, Product], now: int) -> Order:
    """The order of `lines` at the prices of `products`, at `now` (ms since the epoch). Raises Invalid with every fault:
    a sku that is unknown or comes twice, or a currency that is not the first line's.
    """
    faults = [Fault(("items", at, "sku"), said) for at in range(len(lines)) if (said := _fault(lines, at, products))]
    if faults:
        raise Invalid(faults)
    items = [Item(line.sku, line.quantity, products[line.sku].unit_price) for line in lines]
    currency = products[lines[0].sku].currency
    moment = rfc3339(now)
    return Order(id_, user_id, "placed", currency, items, total(items), moment, moment)


def total(items: Sequence[Item]) -> int:
    """What the items cost together, in minor units."""
    return sum(item.quantity * item.unit_price for item in items)


def step(now: Status, to: Status) -> bool:
    """Whether an order that is `now` has to change to become `to`. Raises Problem invalid-transition if it must not."""
    if now != to and now not in _BEFORE[to]:
        raise Problem(INVALID_TRANSITION, f"The order is {now}.", members={"from": now, "to": to})
    return now != to


def out_of_stock(skus: Sequence[str]) -> Problem:
    """The refusal of an order that wants more of `skus` than there is."""
    return Problem(OUT_OF_STOCK, f"Not enough in stock of {', '.join(skus)}.", members={"skus": list(skus)})


def groups(*skus: str) -> str:
    """The list of strings (RFC 9651) that names cached products as a group each (RFC 9875), or the one of all lists."""
    return ", ".join(f'"product-{sku}"' for sku in skus) or '"products"'


def _fault(lines: Sequence[Line], at: int, products: Mapping[str, Product]) -> str:
    """What is wrong with the line `at`, or nothing."""
    sku = lines[at].sku
    if sku not in products:
        return "is not a product"
    if sku in _skus(lines[:at]):
        return "is in the order already; add up the quantities"
    first = products.get(lines[0].sku)
    if first is not None and products[sku].currency != first.currency:
        return f"costs {products[sku].currency}, but the order is in {first.currency}; make an order for each currency"
    return ""


def _skus(lines: Sequence[Line]) -> Iterator[str]:
    return (line.sku for line in lines)
