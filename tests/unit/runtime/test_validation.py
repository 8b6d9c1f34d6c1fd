"""runtime/validation.py: data from outside -> typed values, or every fault at once."""

import json
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.problem import Problem
from runtime.units import Duration
from runtime.validation import Fault, Invalid, convert, decode, parse_text

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=10)]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Name
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    colour: Literal["red", "blue"] | None = None


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=5)]
    deadline: Duration | None = None
    notes: dict[str, Item] = {}
    place: tuple[int, str] | None = None
    note: str | msgspec.UnsetType = msgspec.UNSET


ITEM = {"sku": "a", "quantity": 1}
ITEMS = {"items": [ITEM]}


def faults(value: object, type_: type = Order) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        convert(value, type_)
    return {fault.key: fault.detail for fault in refused.value.faults}


def test_what_is_valid_becomes_the_type() -> None:
    asked = {**ITEMS, "deadline": "250ms", "notes": {"x": ITEM}, "place": [1, "a"], "note": "hi"}
    assert convert(asked, Order) == Order(
        [Item("a", 1)], Duration(0.25), {"x": Item("a", 1)}, place=(1, "a"), note="hi"
    )


def test_every_fault_is_found_however_deep() -> None:
    broken = {
        "items": [{"sku": "", "quantity": 0}, ITEM, {"quantity": "1", "colour": "green"}],
        "notes": {"x": {"sku": "a" * 11, "quantity": 1}, "y": 5},
        "deadline": "soon",
        "place": ["1", "a"],
    }
    assert set(faults(broken)) == {
        "items[0].sku",
        "items[0].quantity",
        "items[2].sku",
        "items[2].quantity",
        "items[2].colour",
        "notes.x.sku",
        "notes.y",
        "deadline",
        "place[0]",
    }


def test_a_misspelt_member_is_told_the_right_one() -> None:
    assert faults({**ITEMS, "deadlin": "1s"}) == {"deadlin": "is not known here; did you mean `deadline`?"}


def test_unknown_members_are_told_in_the_order_they_came() -> None:
    assert list(faults({**ITEMS, "zz": 1, "qq": 2, "xx": 3})) == ["zz", "qq", "xx"]


def test_a_list_that_is_too_long_is_a_fault_of_the_list() -> None:
    assert set(faults({"items": [ITEM] * 6})) == {"items"}


def test_a_fault_inside_is_told_before_one_of_the_whole() -> None:
    assert set(faults({"items": [*[ITEM] * 5, {"sku": "a", "quantity": 0}]})) == {"items[5].quantity"}


@pytest.mark.parametrize("value", [None, 1, "x", [], True, 1.5])
def test_what_is_no_object_is_a_fault_of_the_whole_document(value: object) -> None:
    assert set(faults(value)) == {""}


@pytest.mark.parametrize(
    ("type_", "value", "keys"),
    [
        (list[int], [1, "a", 2, "b"], {"[1]", "[3]"}),
        (set[int], ["a", 1, "b"], {"[0]", "[2]"}),
        (tuple[int, ...], [1, "a"], {"[1]"}),
        (tuple[int, str], [1, 2], {"[1]"}),
        (tuple[int, str], [1, "a", 2], {""}),
        (tuple[()], [1], {""}),
        (dict[str, int], {"a": "x", "b": 1}, {"a"}),
    ],
)
def test_every_collection_is_looked_into(type_: type, value: object, keys: set[str]) -> None:
    assert set(faults(value, type_)) == keys


def test_text_is_read_as_numbers_only_when_it_comes_from_an_environment() -> None:
    assert convert({"sku": "a", "quantity": "5"}, Item, strict=False) == Item("a", 5)
    assert set(faults({"sku": "a", "quantity": "5"}, Item)) == {"quantity"}


@pytest.mark.parametrize(
    ("path", "pointer", "key"),
    [
        ((), "", ""),
        (("items", 0, "sku"), "/items/0/sku", "items[0].sku"),
        ((1,), "/1", "[1]"),
        (("a/b", "m~n"), "/a~1b/m~0n", "a/b.m~n"),
    ],
)
def test_a_fault_is_pointed_at_for_machines_and_for_people(path: tuple[str | int, ...], pointer: str, key: str) -> None:
    assert (Fault(path, "").pointer, Fault(path, "").key) == (pointer, key)


def test_the_error_reads_as_one_sentence() -> None:
    with pytest.raises(Invalid, match=r"^sku: is required; quantity: Expected `int`, got `str`$"):
        convert({"quantity": ""}, Item)
    with pytest.raises(Invalid, match=r"^value: Expected `object`, got `int`$"):
        convert(1, Item)


def test_a_type_that_nobody_can_read_is_a_fault_of_the_program() -> None:
    with pytest.raises(NotImplementedError):
        parse_text(complex, "1j")


# What arrives as a body.


def test_a_body_becomes_the_type() -> None:
    assert decode(b'{"sku":"a","quantity":1}', Item) == Item("a", 1)


@pytest.mark.parametrize("quantity", [b"3.0", b"3e0", b"0.3e1", b"3.000"])
def test_an_integer_is_one_however_it_is_written(quantity: bytes) -> None:
    assert decode(b'{"sku":"a","quantity":%b}' % quantity, Item) == Item("a", 3)


@pytest.mark.parametrize("quantity", [b"3.5", b"1e300", b"1e16", b"9007199254740993.0", b"0.0", b'"3.0"'])
def test_what_has_a_fraction_or_is_inexact_is_none(quantity: bytes) -> None:
    with pytest.raises(Invalid, match="quantity"):
        decode(b'{"sku":"a","quantity":%b}' % quantity, Item)


def test_a_body_tells_every_fault() -> None:
    with pytest.raises(Invalid) as refused:
        decode(b'{"sku":"","quantity":0,"more":1}', Item)
    assert {fault.pointer for fault in refused.value.faults} == {"/sku", "/quantity", "/more"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"sku": "a"',
        b'{"sku": 1, oops',
        b'{"sku": "a", "quantity": 1} 2',
        b'{"sku": "\xff", "quantity": 1}',
        b'{"quantity": "", "sku": "\xff"}',
        b'{"sku": "\\ud800", "quantity": 1}',
        b'{"quantity": "", "sku": "\\ud800"}',
        b'{"quantity": 1e999}',
        b"[" * 100_000,
        b'{"quantity": "", "sku": ' + b"[" * 100_000,
        b'\xef\xbb\xbf{"sku": "a", "quantity": 1}',
        '{"sku": "a", "quantity": 1}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_in_utf8_is_malformed_wherever_it_breaks(body: bytes) -> None:
    with pytest.raises(Problem, match="malformed-request"):
        decode(body, Item)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"sku": "a", "quantity": 1, "sku": "b"}', ["/sku"]),
        (b'{"sku": "a", "quantity": 1, "s\\u006bu": "b"}', ["/sku"]),
        (b'{"sku": "a", "quantity": 1, "x": {"a": [{"b": 1, "b": 2}], "a": 3}}', ["/x/a", "/x/a/0/b"]),
        (b'{"sku": 1, "sku": 2, "sku": 3}', ["/sku"]),
        (b'[0, {"a": 1, "a": %b}]' % (b"9" * 5000), ["/1/a"]),
    ],
)
def test_a_member_that_comes_twice_is_a_fault_however_valid_the_rest(body: bytes, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body, Item)
    assert [fault.pointer for fault in refused.value.faults] == pointers


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert len(decode(b'{"items": [{"sku": "a", "quantity": 1}, {"sku": "a", "quantity": 1}]}', Order).items) == 2


@given(st.binary())
def test_no_body_does_worse_than_malformed_or_invalid(body: bytes) -> None:
    with suppress(Problem, Invalid):
        decode(body, Order)


# The judge of what is valid is msgspec; we only tell more about what is not.

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
)
ITEMS_NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "sku": SCALARS | st.just("a"),
        "quantity": SCALARS | st.integers(1, 1000),
        "colour": SCALARS | st.just("red"),
        "x": SCALARS,
    },
)
ORDERS_NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "items": st.lists(ITEMS_NEARLY | SCALARS, max_size=6) | SCALARS,
        "deadline": st.sampled_from(["2s", "x", None, 5]),
        "notes": st.dictionaries(st.text(max_size=3), ITEMS_NEARLY, max_size=3) | SCALARS,
        "place": st.lists(SCALARS, max_size=3),
        "note": SCALARS,
    },
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8)


@given(ORDERS_NEARLY | TREES, st.booleans())
def test_valid_is_what_msgspec_takes_and_nothing_else(value: object, strict: bool) -> None:  # noqa: FBT001  drawn
    try:
        wanted = msgspec.convert(value, Order, strict=strict, dec_hook=parse_text)
    except msgspec.ValidationError:
        with pytest.raises(Invalid):
            convert(value, Order, strict=strict)
    else:
        assert convert(value, Order, strict=strict) == wanted


def number(text: str) -> float:
    """As JSON Schema counts: without a fraction it is an integer."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


@given(ORDERS_NEARLY)
def test_a_body_is_judged_like_the_value_it_writes(value: object) -> None:
    body = json.dumps(value).encode()
    try:
        wanted = msgspec.convert(json.loads(body, parse_float=number), Order, dec_hook=parse_text)
    except msgspec.ValidationError:
        with pytest.raises(Invalid):
            decode(body, Order)
    else:
        assert decode(body, Order) == wanted


PLANTS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "an empty sku": (("items", 0, "sku"), ""),
    "a long sku": (("notes", "x", "sku"), "a" * 11),
    "no quantity": (("items", 1, "quantity"), 0),
    "text for a quantity": (("notes", "x", "quantity"), "2"),
    "a colour that is none": (("items", 1, "colour"), "green"),
    "a deadline that is none": (("deadline",), "soon"),
    "a number for a note": (("note",), 5),
    "a place with text first": (("place", 0), "a"),
    "an unknown member": (("items", 0, "more"), 1),
}


@given(st.sets(st.sampled_from(sorted(PLANTS)), min_size=1))
def test_every_planted_fault_is_found_and_no_other(planted: set[str]) -> None:
    value: Any = {"items": [dict(ITEM), dict(ITEM)], "notes": {"x": dict(ITEM)}, "place": [1, "a"]}
    for name in planted:
        (*way, last), fault = PLANTS[name]
        holder = value
        for step in way:
            holder = holder[step]
        holder[last] = fault
    with pytest.raises(Invalid) as refused:
        convert(value, Order)
    assert {fault.path for fault in refused.value.faults} == {PLANTS[name][0] for name in planted}
