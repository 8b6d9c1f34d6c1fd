"""runtime/http/schema_example.py: an example is put together from what authors wrote, and nothing is made up."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from runtime.http.schema_example import MISSING, sample

Sku = Annotated[str, Meta(examples=["mug"])]


class Line(msgspec.Struct):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1)]
    note: str | None = None


class Basket(msgspec.Struct):
    lines: list[Line]
    gift: bool


class Tree(msgspec.Struct):
    below: "list[Tree]"


def made(type_: Any) -> Any:  # noqa: ANN401  any annotation
    [schema], components = msgspec.json.schema_components([type_], ref_template="#/components/schemas/{name}")
    return sample(schema, components)


def test_members_come_from_their_examples_bounds_and_defaults() -> None:
    assert made(Basket) == {"lines": [{"sku": "mug", "quantity": 1, "note": None}], "gift": True}


def test_what_comes_is_what_the_type_takes() -> None:
    assert msgspec.convert(made(Basket), Basket).gift is True


@pytest.mark.parametrize("type_", [str, list[str], Annotated[str, Meta(pattern="^a$")], Tree, float, Any])
def test_where_nothing_is_known_nothing_is_made_up(type_: Any) -> None:  # noqa: ANN401  any annotation
    assert made(type_) is MISSING


def test_a_member_that_may_be_left_out_is_left_out_when_it_is_unknown() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"const": 1}}, "required": ["b"]}
    assert sample(schema, {}) == {"b": 1}
    assert sample(schema | {"required": ["a"]}, {}) is MISSING


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": ["x", "y"]}, "x"),
        ({"examples": [0], "default": 5}, 0),
        ({"default": None}, None),
        ({"default": msgspec.UNSET}, MISSING),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"$ref": "#/components/schemas/none"}, MISSING),
        ({"type": "number", "minimum": 0}, 0),
    ],
)
def test_each_hint_is_taken(schema: dict[str, Any], value: object) -> None:
    assert sample(schema, {}) is value or sample(schema, {}) == value


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(JSON)
def test_a_value_is_its_own_only_example(value: object) -> None:
    assert sample({"examples": [value]}, {}) == value
