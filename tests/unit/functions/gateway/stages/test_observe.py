"""What is told of a request, whatever becomes of it."""

import asyncio

import pytest

from functions.gateway.exchange import Exchange, Handler, Response
from functions.gateway.inbound import ClientLeft
from functions.gateway.stages.observe import CLIENT_LEFT, now_and_then, observe, timed
from runtime.http.problem import QUOTA_EXCEEDED, Problem
from tests.exchanges import Below, exchange, ok


class Told:
    """A meter that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def begun(self) -> None:
        self.said.append("begun")

    def answered(self, status: int, seconds: float) -> None:
        self.said.append((status, seconds))

    def refused(self, slug: str) -> None:
        self.said.append(slug)

    def ended(self) -> None:
        self.said.append("ended")


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taking(clock: Clock, seconds: float, handler: Handler = ok) -> Handler:
    """A handler that takes `seconds` before the one below it."""

    async def slow(exchange: Exchange) -> Response:
        clock.now += seconds
        return await handler(exchange)

    return slow


async def test_a_request_is_timed_to_its_head_and_in_flight_to_its_end() -> None:
    told, clock = Told(), Clock()
    response = await observe(told, clock)(taking(clock, 0.5))(exchange())
    assert told.said == ["begun", (200, 0.5)]
    response.finish()
    assert told.said[2:] == ["ended"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (Problem(QUOTA_EXCEEDED), ["quota-exceeded", (429, 0.0)]),
        (ZeroDivisionError(), ["internal-error", (500, 0.0)]),
        (ClientLeft(), [(CLIENT_LEFT, 0.0)]),
        (asyncio.CancelledError(), [(CLIENT_LEFT, 0.0)]),
    ],
    ids=lambda case: type(case).__name__,
)
async def test_a_request_without_an_answer_ends_at_once_and_says_why(raised: BaseException, said: list[object]) -> None:
    async def failing(_: Exchange) -> Response:
        raise raised

    told = Told()
    with pytest.raises(type(raised)):
        await observe(told, Clock())(failing)(exchange())
    assert told.said == ["begun", *said, "ended"]


async def test_a_stage_is_not_charged_for_what_those_below_it_take() -> None:
    spent: dict[str, list[float]] = {"upper": [], "lower": []}
    clock = Clock()
    lower = timed(spent["lower"].append, taking(clock, 2.0), clock)
    upper = timed(spent["upper"].append, taking(clock, 0.5, lower), clock)
    await upper(exchange())
    assert spent == {"upper": [0.5], "lower": [2.0]}


async def test_a_stage_that_tries_twice_is_charged_for_neither_try() -> None:
    tries: list[float] = []
    own: list[float] = []
    clock = Clock()
    once = timed(tries.append, taking(clock, 2.0), clock)

    async def twice(exchange: Exchange) -> Response:
        await once(exchange)
        clock.now += 0.25
        return await once(exchange)

    await timed(own.append, twice, clock)(exchange())
    assert (tries, own) == ([2.0, 2.0], [0.25])


async def test_a_stage_that_raises_is_timed_too() -> None:
    spent: list[float] = []
    clock = Clock()
    with pytest.raises(Problem):
        await timed(spent.append, taking(clock, 1.5, Below(Problem(QUOTA_EXCEEDED))), clock)(exchange())
    assert spent == [1.5]


async def test_the_first_request_and_then_one_in_so_many_goes_the_rare_way() -> None:
    handler = now_and_then(Below(201), Below(200), 3)
    assert [(await handler(exchange())).status for _ in range(7)] == [201, 200, 200, 201, 200, 200, 201]
