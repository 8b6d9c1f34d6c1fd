"""runtime/http/body.py: a body -> a typed value, at a price that its sender can't raise beyond its length."""

import json
import sys
from contextlib import suppress
from types import FrameType

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.http.api import invalid
from runtime.http.body import DEEPEST, decode
from runtime.http.problem import Problem
from runtime.http.validation import MOST_FAULTS, Invalid, parse_text
from tests.unit.runtime.http.test_validation import ORDERS_NEARLY, TREES, Item, Order


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


# What a stranger makes of it.


def nested(depth: int, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    return opening * depth + b"1" + closing * depth


def test_as_deep_as_is_meant_is_taken_and_no_deeper() -> None:
    assert decode(nested(DEEPEST, b"[", b"]"), list) != []
    assert decode(nested(DEEPEST), dict) != {}
    for body in (nested(DEEPEST + 1, b"[", b"]"), nested(DEEPEST + 1), nested(970, b'{"a":1,"a":'), b"[" * 65):
        with pytest.raises(Problem, match="nested more than 64 deep"):
            decode(body, dict)


@pytest.mark.parametrize("text", ["[" * 100, '"' + "{" * 100, "\\" + "[" * 100, '\\"' + "[" * 100])
def test_brackets_in_strings_are_text(text: str) -> None:
    assert decode(json.dumps({"note": text, "items": [{"sku": "a", "quantity": 1}]}).encode(), Order).note == text


@pytest.mark.parametrize(
    "body",
    [
        b'[{"a":1,"a":2}',
        b'{"a":1,"a":2}x',
        b'{"a":1,"a":2,',
        b'[{"a":1,"a":2},',
        b'{"\\ud800":1,"\\ud800":2}',  # what Python takes for JSON, and nobody else
        b'{"a":{"\\udfff":1},"a":2}',
        b'{"a":"\\udbff","a":2}',
        b'{"a":NaN,"a":1}',
        b'{"a":-Infinity,"a":1}',
    ],
)
def test_a_member_that_comes_twice_in_what_is_no_json_is_no_json(body: bytes) -> None:
    with pytest.raises(Problem, match="malformed-request"):
        decode(body, dict)


@given(TREES, st.integers(0, 3), st.integers(0, 20))
def test_a_body_that_breaks_off_is_malformed_or_invalid(value: object, wraps: int, cut: int) -> None:
    body = b'{"a":1,"a":[' * wraps + json.dumps(value).encode() + b"]}" * wraps
    with suppress(Problem, Invalid):
        decode(body[: len(body) - cut], Order)


class Loose(msgspec.Struct):
    """Takes no notice of what it does not know."""

    items: list[Item]
    notes: dict[str, Item] = {}


def bodies() -> st.SearchStrategy[bytes]:
    """Of parts that amplify: names, members that come twice, lists of what is no item; many of them, in one another."""
    name = st.sampled_from(["a", "sku", "items", "x" * 300, "\x01" * 50, "é" * 40, "a/b~c"]).map(json.dumps)
    leaf = st.sampled_from(["1", "{}", '""', "[]", "null", '"red"', "1e5"])
    part = st.builds(
        lambda names, value, times: "{" + ",".join(f"{each}:{value}" for each in names * times) + "}",
        st.lists(name, min_size=1, max_size=4),
        leaf,
        st.integers(1, 40),
    )
    listed = st.builds(lambda inner, times: "[" + ",".join([inner] * times) + "]", part | leaf, st.integers(0, 400))
    wrapped = st.builds(
        lambda key, inner, depth: f"{{{key}:1,{key}:" * depth + inner + "}" * depth, name, listed, st.integers(0, 70)
    )
    return st.builds(lambda key, inner: f'{{{key}:{inner},"items":{inner}}}'.encode(), name, wrapped | listed)


def calls(body: bytes, type_: type) -> tuple[int, bytes]:
    """How many functions were called to refuse it, and what is answered."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    answer = b""
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        decode(body, type_)
    except Invalid as refused:
        answer = invalid(refused).body("/orders", "id")
    except Problem as problem:
        answer = problem.body("/orders", "id")
    finally:
        sys.setprofile(before)
    return counted, answer


@given(bodies(), st.sampled_from([Order, Loose, list[Item], dict[str, Item]]))
@example(b'{"items":[' + b"{}," * 21_000 + b"{}]}", Order)
@example(b'{"items":[' + b"{}," * 21_000 + b"{}]}", Loose)
@example(nested(64, b'{"a":1,"%b":' % (b"x" * 900)), Order)
@example(b"{" + b",".join(b'"%d":1' % number for number in range(8000)) + b"}", Order)
@example(b'{"items":1,' + b",".join(b'"%d":1,"%d":2' % (number, number) for number in range(4000)) + b"}", Loose)
@example(b'{"%b":{' % (b"y" * 60_000) + b",".join(b'"%d":1,"%d":2' % (n, n) for n in range(60)) + b"}}", Order)
@example(b'"' + b'\\"' * 30_000 + b"[" * 65, Order)
def test_what_a_refusal_costs_grows_at_most_as_the_body_does(body: bytes, type_: type) -> None:
    counted, answer = calls(body, type_)
    assert len(answer) <= MOST_FAULTS * 600
    assert len(answer) <= 1_000 + 400 * len(body)
    assert counted <= 20_000 + 8 * len(body)
