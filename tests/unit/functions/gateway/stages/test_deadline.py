"""The time that a request has."""

import asyncio

import pytest

from functions.gateway.exchange import Exchange, Response
from functions.gateway.stages.deadline import deadline
from runtime.http.problem import DEADLINE_EXCEEDED, UNREACHABLE, Problem
from tests.exchanges import Below, exchange

NO_TIME = 0.001


class Never:
    """A handler that answers never, and knows when it was told to stop."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = False

    async def __call__(self, _: Exchange) -> Response:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError("an event that nobody sets was set")


async def test_when_the_time_is_up_everything_below_ends_and_the_client_is_told() -> None:
    below = Never()
    with pytest.raises(Problem) as raised:
        await deadline(NO_TIME)(below)(exchange())
    assert raised.value.kind is DEADLINE_EXCEEDED
    assert below.cancelled


async def test_what_is_below_knows_how_much_time_is_left() -> None:
    below = Below()
    await deadline(60)(below)(exchange())
    told = below.seen[0].deadline
    assert told is not None
    assert 0 < told.remaining() <= 60


async def test_an_answer_in_time_passes() -> None:
    assert (await deadline(60)(Below(204))(exchange())).status == 204


async def test_a_problem_from_below_is_not_renamed() -> None:
    with pytest.raises(Problem) as raised:
        await deadline(60)(Below(Problem(UNREACHABLE)))(exchange())
    assert raised.value.kind is UNREACHABLE


async def test_a_client_that_leaves_is_not_taken_for_a_deadline() -> None:
    below = Never()
    task = asyncio.ensure_future(deadline(60)(below)(exchange()))
    await below.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert below.cancelled


async def test_a_client_that_leaves_as_the_time_is_up_gets_no_answer() -> None:
    async def slow_to_end(_: Exchange) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            request.cancel()  # as the edge does when the client leaves
        raise AssertionError("an event that nobody sets was set")

    request = asyncio.ensure_future(deadline(NO_TIME)(slow_to_end)(exchange()))
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_a_deadline_that_has_passed_leaves_no_trace() -> None:
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(Problem):
        await deadline(NO_TIME)(Never())(exchange())
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_function_that_ends_what_is_late_before_us_is_our_deadline() -> None:
    now = [0.0]
    closed: list[bool] = []

    async def told_so(_: Exchange) -> Response:
        now[0] = 59.996
        return Response(504, [], b"late", at_end=[lambda: closed.append(True)])

    with pytest.raises(Problem) as raised:
        await deadline(60, lambda: now[0])(told_so)(exchange())
    assert raised.value.kind is DEADLINE_EXCEEDED
    assert closed == [True]


async def test_a_function_that_was_not_answered_in_time_itself_says_so() -> None:
    assert (await deadline(60)(Below(504))(exchange())).status == 504


async def test_a_timeout_from_below_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        await deadline(60)(Below(TimeoutError("of something else")))(exchange())
