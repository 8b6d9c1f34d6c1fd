"""What flows: when a request could be sent again, and how an answer is let go of."""

import pytest

from functions.gateway.exchange import Response
from tests.calls import Stream
from tests.exchanges import exchange


@pytest.mark.parametrize(("length", "body", "whole"), [(0, None, True), (3, None, False), (3, b"abc", True)])
def test_a_request_is_whole_without_a_body_or_with_all_of_it(length: int, body: bytes | None, whole: bool) -> None:  # noqa: FBT001  a row of a table
    asked = exchange(length=length)
    asked.body = body
    assert asked.whole is whole


def test_a_chunked_request_is_not_whole() -> None:
    assert not exchange(length=None).whole


def test_finishing_an_answer_closes_its_stream() -> None:
    stream = Stream()
    Response(200, [], stream=stream).finish()
    assert stream.closed


def test_what_is_held_for_an_answer_is_released_once_the_last_first() -> None:
    released: list[str] = []
    response = Response(200, [], at_end=[lambda: released.append("outer"), lambda: released.append("inner")])
    response.finish()
    response.finish()
    assert released == ["inner", "outer"]
