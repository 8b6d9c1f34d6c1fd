"""What was asked and acknowledged, held against the rows of the databases: everything acknowledged is there, once.

Pure: the load writes down what it sent and was told, books.py reads the rows, `differences` says what does not fit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Recorded(NamedTuple):
    """An Idempotency-Key with the order that was recorded for it."""

    key: str
    user: str
    order: str


class Order(NamedTuple):
    """A row of orders."""

    order: str
    user: str
    status: str


@dataclass(frozen=True, slots=True)
class Books:
    """Rows. `holdings` is by product: what is in stock and in orders that hold it, which no order changes."""

    orders: list[Order]
    recorded: list[Recorded]
    emails: list[str]
    holdings: Mapping[str, int]


@dataclass
class Ledger:
    """The load's own notes. An order, a change or an account that was only sent may be there or not."""

    placed: dict[str, str] = field(default_factory=dict)  # key -> who sent it
    confirmed: dict[str, set[str]] = field(default_factory=dict)  # key -> the orders that were answered
    asked: dict[str, str] = field(default_factory=dict)  # order -> the status that was asked for
    settled: dict[str, str] = field(default_factory=dict)  # order -> the status that was acknowledged
    registered: list[str] = field(default_factory=list)  # emails that were acknowledged

    def confirm(self, key: str, order: str) -> None:
        """An answer said that `key` made `order`."""
        self.confirmed.setdefault(key, set()).add(order)

    @property
    def acknowledged(self) -> int:
        """Effects that the stack has to have."""
        return len(self.confirmed) + len(self.settled) + len(self.registered)


def differences(ledger: Ledger, before: Mapping[str, int], after: Books) -> list[str]:
    """A sentence for each effect that is missing, was made twice, or is another than was told."""
    return [
        *_of_orders(ledger, after),
        *_of_statuses(ledger, after),
        *_of_accounts(ledger, after),
        *_of_stock(before, after.holdings),
    ]


def _of_orders(ledger: Ledger, books: Books) -> Iterator[str]:
    yield from _acknowledged(ledger, books)
    yield from _unasked(ledger, books)


def _acknowledged(ledger: Ledger, books: Books) -> Iterator[str]:
    """Is each order that was answered there, for its key and for who sent that?"""
    rows = Counter((row.order, row.user) for row in books.orders)
    recorded: dict[str, list[str]] = {}
    for row in books.recorded:
        recorded.setdefault(row.key, []).append(row.order)
    for key, orders in ledger.confirmed.items():
        if len(orders) > 1:
            yield f"{key} was answered with several orders: {', '.join(sorted(orders))}"
        for order in orders:
            if (times := rows[order, ledger.placed[key]]) != 1:
                yield f"order {order} of {key} was acknowledged, and is there {times} times"
            if recorded.get(key, []) != [order]:
                yield f"order {order} of {key} was acknowledged, and its key is not recorded with it, once"


def _unasked(ledger: Ledger, books: Books) -> Iterator[str]:
    """Is each order that is there the one effect of one key, and the other way round?"""
    people = set(ledger.placed.values())
    rows = Counter(row.order for row in books.orders if row.user in people)
    known = Counter(row.order for row in books.recorded if row.key in ledger.placed)
    for order in _names(rows, known):
        if (rows[order], known[order]) != (1, 1):
            yield f"order {order} is there {rows[order]} times, for {known[order]} of the keys that were sent"


def _of_statuses(ledger: Ledger, books: Books) -> Iterator[str]:
    people = set(ledger.placed.values())
    for order, user, status in books.orders:
        if user in people and status not in _possible(ledger, order):
            yield f"order {order} is {status}, and should be {' or '.join(_possible(ledger, order))}"


def _possible(ledger: Ledger, order: str) -> list[str]:
    if order in ledger.settled:
        return [ledger.settled[order]]
    return ["placed", ledger.asked[order]] if order in ledger.asked else ["placed"]


def _of_accounts(ledger: Ledger, books: Books) -> Iterator[str]:
    found = Counter(books.emails)
    for email in ledger.registered:
        if not found[email]:
            yield f"the account {email} was acknowledged, and is not there"
    yield from (f"there are {times} accounts {email}" for email, times in found.items() if times > 1)


def _of_stock(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    for product in _names(before, after):
        if before.get(product) != after.get(product):
            yield f"{product} in stock and in orders was {before.get(product)}, and is {after.get(product)}"


def _names(*found: Iterable[str]) -> list[str]:
    return sorted(set().union(*found))
