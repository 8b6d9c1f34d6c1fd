"""Entity tags and the two comparisons of RFC 9110, section 8.8.3.2."""

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import FromPath

from runtime.api import api
from runtime.conditional import Asking, Conditions, etag, has, holds
from runtime.openapi import answers
from runtime.problem import Problem
from tests.unit.runtime.test_api import lifespan

TAG = etag(b"one")


@given(st.binary(), st.binary())
def test_tags_are_equal_exactly_for_equal_bytes(one: bytes, other: bytes) -> None:
    assert (etag(one) == etag(other)) == (one == other)


@given(st.binary())
def test_a_tag_is_a_quoted_string_of_visible_characters(content: bytes) -> None:
    tag = etag(content)
    assert tag[0] == tag[-1] == '"'
    assert tag[1:-1].isascii()
    assert tag[1:-1].replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("field", [TAG, f'"other", {TAG}', f'{TAG},"other"', f"W/{TAG}", "*", " * ", f'"a,b" ,{TAG}'])
def test_a_client_that_names_the_tag_has_it(field: str) -> None:
    assert has(field, TAG)


@pytest.mark.parametrize("field", [None, "", '"other"', TAG.strip('"'), f'"x{TAG[1:]}', "*, *", "\x00"])
def test_a_client_that_does_not_name_the_tag_has_it_not(field: str | None) -> None:
    assert not has(field, TAG)


def test_a_weak_tag_is_enough_to_read_and_not_enough_to_write() -> None:
    assert has(f"W/{TAG}", TAG)
    assert not holds(f"W/{TAG}", TAG)


def test_a_condition_on_writing_holds_for_the_tag_and_for_whatever_there_is() -> None:
    assert holds(TAG, TAG)
    assert holds("*", TAG)
    assert not holds('"other"', TAG)


THING = {"name": "mug"}
HERE = etag(b'{"name":"mug"}')
MOMENT = 1_795_367_063_042  # ms since the epoch, in the second of the next
DATE = "Sun, 22 Nov 2026 17:04:23 GMT"
BEFORE = "Sun, 22 Nov 2026 17:04:22 GMT"


@pytest.mark.parametrize(
    ("conditions", "there", "absent"),
    [
        (Conditions(), True, True),
        (Conditions(if_match=HERE), True, False),
        (Conditions(if_match="*"), True, False),
        (Conditions(if_match='"other"'), False, False),
        (Conditions(if_match=f"W/{HERE}"), False, False),
        (Conditions(if_match=""), False, False),
        (Conditions(if_none_match="*"), False, True),
        (Conditions(if_none_match=f"W/{HERE}"), False, True),
        (Conditions(if_none_match='"other"'), True, True),
        (Conditions(if_unmodified_since=DATE), True, True),
        (Conditions(if_unmodified_since=BEFORE), False, False),
        (Conditions(if_unmodified_since="Sunday, 22-Nov-26 17:04:22 GMT"), False, False),
        (Conditions(if_unmodified_since="yesterday"), True, True),
        (Conditions(if_unmodified_since="Sun, 99 Nov 2026 17:04:22 GMT"), True, True),
        (Conditions(if_match=HERE, if_unmodified_since=BEFORE), True, False),
        (Conditions(if_match=HERE, if_none_match=HERE), False, False),
        (Conditions(if_match='"other"', if_unmodified_since=DATE), False, False),
    ],
)
def test_what_is_said_of_the_state_is_true_or_nothing_is_done(
    conditions: Conditions,
    there: bool,  # noqa: FBT001  a parameter
    absent: bool,  # noqa: FBT001  a parameter
) -> None:
    for current, holds_of_it in ((THING, there), (None, absent)):
        with nullcontext() if holds_of_it else pytest.raises(Problem) as refused:
            conditions.require(current, MOMENT)
        if refused is not None:
            assert refused.value.kind.slug == "stale"
            assert list(refused.value.headers) == ([(b"etag", HERE.encode())] if current else [])


def test_of_what_has_no_date_no_date_is_heeded() -> None:
    Conditions(if_unmodified_since=BEFORE).require(THING)


def handler(method: Any, status: int = 200, *, tagged: bool = True, guarded: bool = False) -> Any:  # noqa: ANN401  of Litestar
    opt = answers({status: None}, headers=("ETag",) if tagged else ())

    async def plain(name: FromPath[str]) -> Response[bytes]:
        return Response(name.encode())

    async def asking(name: FromPath[str], conditions: Asking) -> Response[bytes]:
        conditions.require(name)
        return Response(name.encode())

    return method("/things/{name:str}", status_code=status, opt=opt)(asking if guarded else plain)


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        (handler(put), False),
        (handler(put, tagged=False), False),
        (handler(patch, tagged=False), False),
        (handler(delete, 200, tagged=False), False),
        (handler(post), False),
        (handler(put, guarded=True), True),
        (handler(delete, 200, tagged=False, guarded=True), True),
        (handler(post, guarded=True), True),
        (handler(post, 201), True),
        (handler(post, tagged=False), True),
    ],
)
def test_a_function_whose_handler_acts_in_any_state_does_not_start(
    change: Any,  # noqa: ANN401  of Litestar
    starts: bool,  # noqa: FBT001  a parameter
) -> None:
    def make() -> object:
        return api([Router("/", route_handlers=[handler(get), change])], lifespan=lifespan, failures={})

    if starts:
        assert make()
    else:
        with pytest.raises(TypeError, match=r"/things/\{name:str\}: take `conditions: Asking`"):
            make()
