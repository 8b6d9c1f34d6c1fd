"""What a place is taken for, how long it is held, and what is learnt from it."""

import asyncio

import pytest

from functions.gateway.exchange import Exchange, Response
from functions.gateway.stages.shed.bound import Bound, Range
from functions.gateway.stages.shed.gate import Gate
from functions.gateway.stages.shed.stage import PATIENCE, shed
from runtime.http.problem import OVERLOADED, Problem
from runtime.identity.verifier import Principal
from runtime.serving.deadline import Deadline
from tests.exchanges import Below, exchange


class Never:
    """A handler that does not answer before it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.seen: list[Exchange] = []

    async def __call__(self, asked: Exchange) -> Response:
        self.seen.append(asked)
        await self.release.wait()
        return Response(200, [])


@pytest.fixture
def gate() -> Gate:
    return Gate(Bound(Range(least=1, start=1, most=1)), 1)


async def test_a_place_is_held_to_the_head_of_the_answer(gate: Gate) -> None:
    below = Never()
    task = asyncio.ensure_future(shed(gate, "a")(below)(exchange()))
    await asyncio.sleep(0)
    assert gate.bound.in_flight == 1
    below.release.set()
    await task
    assert gate.bound.in_flight == 0


@pytest.mark.parametrize("error", [Problem(OVERLOADED), RuntimeError("ours")])
async def test_a_place_is_given_back_whatever_happens(gate: Gate, error: Exception) -> None:
    with pytest.raises(type(error)):
        await shed(gate, "a")(Below(error))(exchange())
    assert gate.bound.in_flight == 0


async def test_who_says_who_they_are_goes_first(gate: Gate) -> None:
    below = Never()
    handler = shed(gate, "a")(below)
    known = exchange(target=b"/known")
    known.principal = Principal("somebody", "customer", "a-session", 0, 0.0)
    tasks = [asyncio.ensure_future(handler(asked)) for asked in (exchange(), exchange(target=b"/stranger"), known)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as raised:  # one may wait here
        await tasks[1]
    assert raised.value.kind is OVERLOADED
    below.release.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert [asked.target for asked in below.seen] == [b"/things/1", b"/known"]


async def test_who_could_not_be_served_in_time_is_told_at_once(gate: Gate) -> None:
    ticks = iter([0.0, PATIENCE * 10])  # what an answer usually takes here
    handler = shed(gate, "a", lambda: next(ticks))(Below())
    await handler(exchange())
    gate.bound.in_flight = 1
    hurried = exchange()
    hurried.deadline = Deadline.after(PATIENCE * 5)
    with pytest.raises(Problem) as raised:
        await handler(hurried)
    assert raised.value.kind is OVERLOADED


class Learnt:
    """Answers that a bound was told of."""

    def __init__(self, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: list[float] = []
        monkeypatch.setattr(Bound, "answered", lambda _bound, _pace, seconds: self.times.append(seconds))
        ticks = iter([0.0, 0.25])
        self.stage = shed(gate, "a", lambda: next(ticks))


async def test_it_learns_from_an_answer(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = Learnt(gate, monkeypatch)
    await learnt.stage(Below(404))(exchange())
    assert learnt.times == [0.25]


async def test_it_learns_nothing_from_a_failure_nor_from_how_fast_a_client_sends(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (failing := Learnt(gate, monkeypatch)).stage(Below(503))(exchange())
    await (streaming := Learnt(gate, monkeypatch)).stage(Below())(exchange(b"PUT", b"/", [], b"x", length=None))
    assert failing.times + streaming.times == []


@pytest.mark.parametrize(("left", "length", "times"), [(0.0, 0, [0.25]), (0.0, None, []), (60.0, 0, [])])
async def test_a_deadline_that_passed_is_an_answer_that_took_as_long_and_a_client_that_left_or_still_sends_is_none(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, left: float, length: int | None, times: list[float]
) -> None:
    learnt = Learnt(gate, monkeypatch)
    asked = exchange(length=length)
    asked.deadline = Deadline.after(left)

    async def below(_asked: Exchange) -> Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await learnt.stage(below)(asked)
    assert learnt.times == times
