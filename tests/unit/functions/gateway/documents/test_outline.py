"""Schemas in words."""

from typing import Any

import pytest

from functions.gateway.documents.outline import Member, described, members, resolved

COMPONENTS: dict[str, dict[str, Any]] = {
    "Line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
    "Tree": {"type": "object", "properties": {"below": {"$ref": "#/components/schemas/Tree"}}},
    "Round": {"$ref": "#/components/schemas/Round"},
}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer", "minimum": 1, "maximum": 100}, "integer, at least 1, at most 100"),
        ({"type": "integer", "default": 20}, "integer, 20 if left out"),
        ({"type": "string", "maxLength": 9, "pattern": "^a$"}, "string, at most 9 characters, ^a$"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["paid", "placed"]}, "“paid” or “placed”"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of string, at least 1 items"),
        ({"$ref": "#/components/schemas/Line"}, "object"),
        ({}, "anything"),
    ],
)
def test_a_type_is_told_with_its_bounds(schema: dict[str, Any], words: str) -> None:
    assert described(schema, COMPONENTS) == words


def test_members_of_members_are_told_by_where_they_are() -> None:
    lines = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    schema = {"type": "object", "properties": {"items": lines}, "required": ["items"]}
    assert list(members(schema, COMPONENTS)) == [
        Member("items", "list of object", required=True),
        Member("items[].sku", "string", required=True),
    ]


def test_a_list_at_the_top_has_the_members_of_its_items() -> None:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    assert [member.name for member in members(schema, COMPONENTS)] == ["[].sku"]


def test_a_type_that_holds_itself_comes_to_an_end() -> None:
    names = [member.name for member in members({"$ref": "#/components/schemas/Tree"}, COMPONENTS)]
    assert names[:2] == ["below", "below.below"]
    assert len(names) < 10


@pytest.mark.parametrize("name", ["Round", "Nowhere"])
def test_a_reference_that_leads_nowhere_is_anything(name: str) -> None:
    assert resolved({"$ref": f"#/components/schemas/{name}"}, COMPONENTS) == {}
