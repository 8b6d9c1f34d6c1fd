"""What counts as an instance's failure, and what says nothing about it."""

import asyncio
from contextlib import suppress

import pytest

from functions.gateway.exchange import Exchange, Response
from functions.gateway.inbound import ClientLeft
from functions.gateway.stages.breaker.circuit import PROBES, Rules, State
from functions.gateway.stages.breaker.circuits import Circuits
from functions.gateway.stages.breaker.stage import breaker
from functions.gateway.stages.forward.stage import InstanceFailed
from runtime.http.problem import MALFORMED, MISBEHAVED, UNREACHABLE, Problem
from runtime.serving.deadline import Deadline
from tests.exchanges import Below, exchange


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits() -> Circuits:
    """They open with the first failure, for a second."""
    return Circuits(Rules(consecutive=1, open=1.0), lambda: 0.0)


def asked() -> Exchange:
    made = exchange()
    made.instance = "a"
    return made


async def state_after(circuits: Circuits, clock: Clock, answer: int | BaseException) -> State:
    async def below(_asked: Exchange) -> Response:
        if isinstance(answer, BaseException):
            raise answer
        return Response(answer, [])

    handler = breaker(circuits, {503}, clock)(below)
    if isinstance(answer, BaseException):
        with pytest.raises(type(answer)):
            await handler(asked())
    else:
        assert (await handler(asked())).status == answer
    return circuits.of("a").state


@pytest.mark.parametrize(
    "answer", [503, InstanceFailed(UNREACHABLE, sent=False), InstanceFailed(MISBEHAVED, sent=True)]
)
async def test_a_failure_of_the_instance_counts(circuits: Circuits, clock: Clock, answer: int | Exception) -> None:
    assert await state_after(circuits, clock, answer) is State.OPEN


@pytest.mark.parametrize(
    "answer", [200, 404, 429, 500, 502, Problem(MALFORMED), ClientLeft(), asyncio.CancelledError()]
)
async def test_anything_else_says_nothing(circuits: Circuits, clock: Clock, answer: int | BaseException) -> None:
    assert await state_after(circuits, clock, answer) is State.CLOSED


@pytest.mark.parametrize(("length", "state"), [(0, State.OPEN), (None, State.CLOSED)], ids=["whole", "still coming"])
async def test_no_answer_before_the_deadline_counts_once_the_request_was_whole(
    circuits: Circuits, clock: Clock, length: int | None, state: State
) -> None:
    """Who sends slowly would else close a function to everybody."""
    late = asked()
    late.length, late.deadline = length, Deadline.after(0)

    async def below(_asked: Exchange) -> Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await breaker(circuits, {503}, clock)(below)(late)
    assert circuits.of("a").state is state


async def test_probes_close_it_again(circuits: Circuits, clock: Clock) -> None:
    await state_after(circuits, clock, 503)
    clock.now = 1.0
    states = [await state_after(circuits, clock, 200) for _ in range(PROBES)]
    assert states == [State.HALF_OPEN] * (PROBES - 1) + [State.CLOSED]


async def test_a_probe_whose_client_left_decides_nothing(circuits: Circuits, clock: Clock) -> None:
    await state_after(circuits, clock, 503)
    clock.now = 1.0
    for _ in range(PROBES * 2):
        assert await state_after(circuits, clock, ClientLeft()) is State.HALF_OPEN
    assert circuits.of("a").lets(1.0)


async def test_good_answers_make_failures_forgotten(clock: Clock) -> None:
    circuits = Circuits(Rules(consecutive=3), lambda: 0.0)
    for answer in (503, 503, 200, 503, 503):
        await state_after(circuits, clock, answer)
    assert circuits.of("a").state is State.CLOSED


async def test_an_answer_passes_as_it_is(circuits: Circuits) -> None:
    below = Below(503)
    assert (await breaker(circuits, {503})(below)(asked())).status == 503


@pytest.mark.parametrize("second", [503, InstanceFailed(UNREACHABLE, sent=False)])
async def test_one_request_is_one_failure_of_an_instance_however_often_it_was_tried_there(
    clock: Clock, second: int | InstanceFailed
) -> None:
    circuits = Circuits(Rules(consecutive=2), lambda: 0.0)
    twice = asked()
    for answer in (InstanceFailed(UNREACHABLE, sent=True), second):
        twice.tried.append("a")
        with suppress(InstanceFailed):
            await breaker(circuits, {503}, clock)(Below(answer))(twice)
    assert circuits.of("a").state is State.CLOSED


@pytest.mark.parametrize(
    ("answer", "away"),
    [
        (InstanceFailed(UNREACHABLE, sent=False), True),
        (InstanceFailed(UNREACHABLE, sent=True), False),
        (InstanceFailed(MISBEHAVED, sent=True), False),
        (503, False),
    ],
)
async def test_only_who_can_not_be_reached_is_not_there(
    circuits: Circuits,
    clock: Clock,
    answer: int | Exception,
    away: bool,  # noqa: FBT001  a parameter of a test
) -> None:
    await state_after(circuits, clock, answer)
    assert circuits.of("a").away is away
