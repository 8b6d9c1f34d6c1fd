"""The rules of an order: money in whole units, every fault at once, and no step out of turn."""

from itertools import pairwise
from itertools import product as pairs
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.orders import model
from functions.orders.model import Item, Line, NewOrder, NewProduct, Order, OrderQuery, Product, Status
from runtime.database.idempotency import SCHEMA
from runtime.http.body import decode
from runtime.http.problem import Kind, Problem
from runtime.http.validation import Invalid, convert
from runtime.manifest import Manifest

STATUSES: tuple[Status, ...] = get_args(Status)
ALLOWED = {("placed", "paid"), ("paid", "shipped"), ("placed", "cancelled"), ("paid", "cancelled")}

skus = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
prices = st.integers(0, 1_000_000_000)
quantities = st.integers(1, 1000)
baskets = st.dictionaries(skus, st.tuples(quantities, prices), min_size=1, max_size=100)


def stocked(sku: str, unit_price: int = 1, currency: str = "EUR") -> Product:
    return Product(sku, f"The {sku}", currency, unit_price, 0)


def placed(lines: list[Line], *products: Product) -> Order:
    return model.place("id", "user", lines, {product.sku: product for product in products}, 0)


def faults(lines: list[Line], *products: Product) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        placed(lines, *products)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


@given(baskets)
def test_a_total_is_what_the_items_cost_together(basket: dict[str, tuple[int, int]]) -> None:
    lines = [Line(sku, quantity) for sku, (quantity, _) in basket.items()]
    order = placed(lines, *(stocked(sku, price) for sku, (_, price) in basket.items()))
    assert order.total == sum(quantity * price for quantity, price in basket.values())
    assert order.items == [Item(sku, quantity, price) for sku, (quantity, price) in basket.items()]


def test_the_greatest_order_costs_less_than_a_json_reader_can_hold_exactly() -> None:
    assert model.total([Item("a", 1000, 1_000_000_000)] * 100) < 2**53
    for beyond in ({"quantity": 1001, "sku": "a"}, {"quantity": 2**63, "sku": "a"}):
        with pytest.raises(Invalid):
            convert({"items": [beyond]}, NewOrder)


def test_an_order_shows_its_moment_with_milliseconds() -> None:
    order = model.place("id", "user", [Line("a", 1)], {"a": stocked("a")}, 1_795_367_063_042)
    assert order.created_at == order.updated_at == "2026-11-22T17:04:23.042Z"


def test_every_unknown_sku_is_told() -> None:
    assert faults([Line("a", 1), Line("b", 1), Line("c", 1)], stocked("b")) == {
        "/items/0/sku": "is not a product",
        "/items/2/sku": "is not a product",
    }


def test_a_sku_comes_once_in_an_order() -> None:
    said = faults([Line("a", 1), Line("b", 1), Line("a", 2), Line("a", 3)], stocked("a"), stocked("b"))
    assert list(said) == ["/items/2/sku", "/items/3/sku"]


def test_an_order_is_in_one_currency_that_of_its_first_line() -> None:
    said = faults([Line("a", 1), Line("b", 1)], stocked("a"), stocked("b", currency="USD"))
    assert list(said) == ["/items/1/sku"]
    assert "USD" in said["/items/1/sku"]


@pytest.mark.parametrize(("now", "to"), sorted(pairs(STATUSES, STATUSES)))
def test_an_order_moves_on_along_the_allowed_steps_only(now: Status, to: Status) -> None:
    if now == to:
        assert not model.step(now, to)
    elif (now, to) in ALLOWED:
        assert model.step(now, to)
    else:
        with pytest.raises(Problem) as refused:
            model.step(now, to)
        assert refused.value.members == {"from": now, "to": to}


@given(st.lists(st.sampled_from(STATUSES), max_size=20))
def test_nothing_comes_after_shipped_or_cancelled(asked: list[Status]) -> None:
    now: Status = "placed"
    passed: list[Status] = [now]
    for to in asked:
        try:
            model.step(now, to)
        except Problem:
            continue
        now = to
        passed += [to] if to != passed[-1] else []
    assert all(step in ALLOWED for step in pairwise(passed))
    assert not {"shipped", "cancelled"} & set(passed[:-1])


@pytest.mark.parametrize("name", ["", "a\n", "\x00", "a\x7fb", "x" * 201, 5, None])
def test_a_name_is_one_line_of_text(name: object) -> None:
    with pytest.raises(Invalid) as caught:
        convert({"name": name, "currency": "EUR", "unit_price": 1, "stock": 1}, NewProduct)
    assert [fault.pointer for fault in caught.value.faults] == ["/name"]


def test_a_lone_surrogate_is_not_text() -> None:
    with pytest.raises(Problem) as refused:
        decode(b'{"name":"\\ud800","currency":"EUR","unit_price":1,"stock":1}', NewProduct)
    assert refused.value.kind.slug == "malformed-request"


def test_a_list_may_be_filtered_by_a_known_status_only() -> None:
    assert OrderQuery.read(b"status=paid&limit=5") == OrderQuery(limit=5, status="paid")
    with pytest.raises(Invalid) as caught:
        OrderQuery.read(b"status=lost&user_id=%00")
    assert [fault.pointer for fault in caught.value.faults] == ["/status", "/user_id"]


def test_groups_are_strings_that_need_no_escape() -> None:
    assert model.groups() == '"products"'
    assert model.groups("mug", "tea.1") == '"product-mug", "product-tea.1"'


@given(st.text(max_size=70))
def test_no_sku_breaks_out_of_a_header_a_path_or_a_cursor(text: str) -> None:
    try:
        sku = convert({"sku": text, "quantity": 1}, Line).sku
    except Invalid:
        return
    assert sku.isascii()
    assert not set(sku) & set('"/\\?#%,; \r\n\x00')


def test_an_order_keeps_the_names_of_the_contract() -> None:
    body = msgspec.json.decode(msgspec.json.encode(placed([Line("a", 1)], stocked("a"))))
    assert list(body) == ["id", "user_id", "status", "currency", "items", "total", "created_at", "updated_at"]


def test_the_manifest_explains_every_problem_of_this_function_and_no_other() -> None:
    kinds = {value.slug for value in vars(model).values() if isinstance(value, Kind)}
    assert set(Manifest.read(Path("functions/orders")).problems) == kinds


def test_the_schema_holds_the_keys_as_the_runtime_wants_them() -> None:
    assert Path("functions/orders/schema/0002_idempotency_keys.sql").read_text() == SCHEMA
