"""A change is for a state, and who means another one changes nothing."""

import time
from contextlib import nullcontext
from typing import Any

import pytest
from litestar import Response, Router, delete, get, patch, post, put
from litestar.params import FromPath

from runtime.http.api import api
from runtime.http.openapi import answers
from runtime.http.preconditions import Asking, Conditions
from runtime.http.problem import Problem
from runtime.http.tags import etag
from tests.unit.runtime.http.test_api import lifespan

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
        (Conditions(if_unmodified_since="Sun Nov 22 17:04:22 2026"), False, False),
        (Conditions(if_unmodified_since="Sun Nov 22 17:04:23 2026"), True, True),
        (Conditions(if_unmodified_since="Sun, 22 Nov 2026 17:04:22"), True, True),
        (Conditions(if_unmodified_since="Sun, 22 Nov 2026 17:04:22 EST"), True, True),
        (Conditions(if_unmodified_since=f"{BEFORE}, {DATE}"), True, True),
        (Conditions(if_unmodified_since="\xff"), True, True),
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
            assert refused.value.kind.slug == "precondition-failed"
            assert list(refused.value.headers) == ([(b"etag", HERE.encode())] if current else [])


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_date_is_in_gmt_wherever_it_is_read(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", zone)
        time.tzset()
        Conditions(if_unmodified_since="Sun Nov 22 17:04:23 2026").require(THING, MOMENT)
        with pytest.raises(Problem, match="precondition-failed"):
            Conditions(if_unmodified_since="Sun Nov 22 17:04:22 2026").require(THING, MOMENT)
    time.tzset()


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
