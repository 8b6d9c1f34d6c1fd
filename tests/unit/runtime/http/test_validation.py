"""runtime/http/validation.py: data from outside -> typed values, or every fault at once."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.validation import MOST_FAULTS, Fault, Invalid, convert, parse_text
from runtime.units import Duration

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
    tags: Annotated[list[int], msgspec.Meta(max_length=2)] | None = None


class Few(msgspec.Struct):
    few: Annotated[dict[str, int], msgspec.Meta(max_length=1)]


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


def test_a_wrong_length_is_told_and_then_nothing_of_what_is_inside() -> None:
    assert faults({"items": [{}] * 6}) == {"items": "Expected `array` of length <= 5"}
    assert faults({"items": []}) == {"items": "Expected `array` of length >= 1"}
    assert faults({**ITEMS, "tags": ["x"] * 3}).keys() == {"tags"}
    assert faults({"few": {"a": "x", "b": 1}}, Few).keys() == {"few"}


def test_a_fault_inside_is_told_and_none_of_the_whole() -> None:
    assert set(faults({"items": [ITEM, {"sku": "a", "quantity": 0}]})) == {"items[1].quantity"}


def test_the_first_faults_are_told_and_that_there_are_more() -> None:
    refused = Invalid(Fault((number,), "is odd") for number in range(MOST_FAULTS))
    assert (len(refused.faults), refused.more) == (MOST_FAULTS, False)
    refused = Invalid(Fault((number,), "is odd") for number in range(MOST_FAULTS + 1))
    assert (len(refused.faults), refused.more) == (MOST_FAULTS, True)
    assert str(refused).endswith("; [49]: is odd; and more")


def test_nobody_looks_for_faults_that_are_not_told() -> None:
    looked: list[int] = []

    class Odd(str):
        __slots__ = ()

        @classmethod
        def parse(cls, text: str) -> "Odd":
            looked.append(1)
            raise ValueError(f"`{text}` is odd")

    with pytest.raises(Invalid):
        convert(["x"] * 10_000, list[Odd])
    assert len(looked) == 1 + MOST_FAULTS + 1  # msgspec alone, which stops at the first, and then those that are told


def test_what_a_type_says_of_its_text_is_told_as_far_as_it_is_short() -> None:
    (said,) = faults({**ITEMS, "deadline": "9" * 10_000}).values()
    assert len(said) == 300


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
