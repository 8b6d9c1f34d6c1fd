"""What must hold whatever is asked, in whatever order, at once, and however often a process dies half-way.

Bugs planted on purpose show that the machine in shop.py would notice, and by which of its invariants.
PORTICO_EXAMPLES makes it run longer.
"""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from functions.orders import app, model, store
from runtime.database.idempotency import Claim
from runtime.database.ids import uuid7
from tests.contract.functions.orders.shop import CONSERVED, COVERED, MONEY, ONCE, OWN_KEYS, PRIVATE, Headers, Shop
from tests.invariants import BOUNDS, EXAMPLES, UNTIL_FOUND, Broken

Play = Callable[[settings, bool], int]
Find = Callable[[str], None]
Plant = pytest.MonkeyPatch


@pytest.fixture
def play(
    environment: pytest.MonkeyPatch, orders_url: str, jwks_url: str, alice: Headers, bob: Headers, admin: Headers
) -> Play:
    """Runs the machine on a database of this test; how many steps it took."""
    del environment
    people = {"alice": alice, "bob": bob, "admin": admin}
    here: type[Shop] = type("Here", (Shop,), {"url": orders_url, "jwks_url": jwks_url, "people": people})

    def run(bounds: settings, mortal: bool) -> int:  # noqa: FBT001  two arguments
        here.mortal = mortal
        run_state_machine_as_test(here, settings=bounds)
        return here.taken

    return run


@pytest.fixture
def find(play: Play) -> Find:
    """Plays until something breaks, and holds that it is this."""

    def run(invariant: str) -> None:
        with pytest.raises(Broken, match=invariant):
            play(UNTIL_FOUND, False)  # noqa: FBT003  see play

    return run


@pytest.mark.timeout(60 + 20 * EXAMPLES)
def test_whatever_is_asked_and_whoever_dies_the_books_are_right(
    play: Play, record_testsuite_property: Callable[[str, object], None]
) -> None:
    taken = play(BOUNDS, True)  # noqa: FBT003  see play
    record_testsuite_property("steps", taken)
    assert taken > 10 * EXAMPLES  # a machine that hardly plays finds nothing


# Tests of the test: each bug is found, and by the invariant that it breaks.


def test_stock_that_is_lost_by_cancelling_is_noticed(find: Find, monkeypatch: Plant) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(store, "give_back", nothing)
    find(CONSERVED)


def test_more_sold_than_there_is_is_noticed(find: Find, monkeypatch: Plant) -> None:
    enough = "SET stock = stock - $2 WHERE sku = $1 AND stock >= $2"
    assert enough in store._TAKE
    oversold = "SET stock = CASE WHEN stock >= $2 THEN stock - $2 ELSE 0 END WHERE sku = $1"
    monkeypatch.setattr(store, "_TAKE", store._TAKE.replace(enough, oversold))
    find(COVERED)


def test_a_key_for_everyone_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(app, "Claim", lambda _principal, *rest: Claim("", *rest))
    find(OWN_KEYS)


def test_an_order_that_forgets_its_key_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(app, "parse_key", lambda _: uuid7())
    find(ONCE)


def test_an_order_that_everybody_may_see_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(app, "_own", lambda order, _principal: order)
    find(PRIVATE)


def test_a_total_that_is_off_is_noticed(find: Find, monkeypatch: Plant) -> None:
    monkeypatch.setattr(model, "total", lambda items: items[0].unit_price)
    find(MONEY)
