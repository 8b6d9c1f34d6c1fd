from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.chaos.ledger import Books, Ledger, Order, Recorded, differences

HELD = {"mug": 10}


def honest(acknowledged: list[bool], settled: list[bool]) -> tuple[Ledger, Books]:
    """A ledger of one order for each of `acknowledged`, and the rows that a stack without fault has then.

    What was not acknowledged is there for every second key; what was asked for without an answer has happened.
    """
    ledger = Ledger()
    orders, recorded = [], []
    for number, told in enumerate(acknowledged):
        key, order, user = f"k{number}", f"o{number}", f"u{number % 3}"
        ledger.placed[key] = user
        if not told and number % 2:
            continue
        status = "placed"
        if told:
            ledger.confirm(key, order)
        if told and number < len(settled):
            status = "cancelled"
            ledger.asked[order] = status
            if settled[number]:
                ledger.settled[order] = status
        orders.append(Order(order, user, status))
        recorded.append(Recorded(key, user, order))
    ledger.registered.append("a@example.com")
    return ledger, Books(orders, recorded, ["a@example.com", "unasked@example.com"], dict(HELD))


FLAGS = st.lists(st.booleans(), max_size=12)


@given(FLAGS, FLAGS)
def test_whatever_an_honest_stack_was_told_and_told_nothing_differs(
    acknowledged: list[bool], settled: list[bool]
) -> None:
    ledger, books = honest(acknowledged, settled)
    assert differences(ledger, HELD, books) == []


Break = Callable[[Books], Books]


def without_an_order(books: Books) -> Books:
    return replace(books, orders=books.orders[1:])


def with_an_order_of_no_key(books: Books) -> Books:
    return replace(books, orders=[*books.orders, books.orders[0]._replace(order="another")])


def with_another_order_for_a_key(books: Books) -> Books:
    recorded = [books.recorded[0]._replace(order="another"), *books.recorded[1:]]
    orders = [books.orders[0]._replace(order="another"), *books.orders[1:]]
    return replace(books, recorded=recorded, orders=orders)


def without_a_key(books: Books) -> Books:
    return replace(books, recorded=books.recorded[1:])


def with_an_order_of_somebody_else(books: Books) -> Books:
    return replace(books, orders=[books.orders[0]._replace(user="u2"), *books.orders[1:]])


def with_a_status_that_came_undone(books: Books) -> Books:
    return replace(books, orders=[books.orders[0]._replace(status="placed"), *books.orders[1:]])


def with_a_status_that_nobody_asked_for(books: Books) -> Books:
    return replace(books, orders=[*books.orders[:-1], books.orders[-1]._replace(status="paid")])


def without_an_account(books: Books) -> Books:
    return replace(books, emails=books.emails[1:])


def with_an_account_twice(books: Books) -> Books:
    return replace(books, emails=[*books.emails, books.emails[1]])


def with_stock_that_was_taken_for_nothing(books: Books) -> Books:
    return replace(books, holdings={"mug": 9})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (without_an_order, "order o0 of k0 was acknowledged, and is there 0 times"),
        (with_an_order_of_no_key, "order another is there 1 times, for 0 of the keys that were sent"),
        (with_another_order_for_a_key, "order o0 of k0 was acknowledged, and is there 0 times"),
        (without_a_key, "order o0 of k0 was acknowledged, and its key is not recorded with it, once"),
        (with_an_order_of_somebody_else, "order o0 of k0 was acknowledged, and is there 0 times"),
        (with_a_status_that_came_undone, "order o0 is placed, and should be cancelled"),
        (with_a_status_that_nobody_asked_for, "order o2 is paid, and should be placed"),
        (without_an_account, "the account a@example.com was acknowledged, and is not there"),
        (with_an_account_twice, "there are 2 accounts unasked@example.com"),
        (with_stock_that_was_taken_for_nothing, "mug in stock and in orders was 10, and is 9"),
    ],
)
def test_each_thing_that_a_broken_stack_does_is_told(broken: Break, said: str) -> None:
    ledger, books = honest([True, True, True], [True])
    assert said in differences(ledger, HELD, broken(books))


def test_two_answers_for_one_key_are_told() -> None:
    ledger, books = honest([True], [])
    ledger.confirm("k0", "another")
    assert "k0 was answered with several orders: another, o0" in differences(ledger, HELD, books)


def test_what_others_order_meanwhile_is_not_our_business() -> None:
    ledger, books = honest([True], [])
    books.orders.append(Order("theirs", "somebody", "shipped"))
    assert differences(ledger, HELD, books) == []


def test_every_acknowledged_effect_counts_once() -> None:
    ledger, _ = honest([True, False, True], [True, True, False])
    assert ledger.acknowledged == 4
