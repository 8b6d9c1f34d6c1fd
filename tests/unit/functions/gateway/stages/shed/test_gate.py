"""Who gets a place before a function, who waits for one, and who is told at once that there is none."""

import asyncio

import pytest

from functions.gateway.stages.shed.bound import Bound, Range
from functions.gateway.stages.shed.gate import Gate
from functions.gateway.upstreams import QUEUE
from runtime.http.problem import OVERLOADED, Problem

LONG = 60.0  # seconds: longer than any test runs
NO_TIME = 0.0


def full(places: int = 3, queue: int = 10) -> Gate:
    """A gate whose places are all taken."""
    gate = Gate(Bound(Range(least=1, start=places, most=places)), queue)
    gate.bound.in_flight = places
    return gate


async def waiting(gate: Gate, *, known: bool = False, seconds: float = LONG) -> "asyncio.Task[None]":
    """Somebody who stands in line by now, or has been sent away."""
    task = asyncio.ensure_future(gate.wait(seconds, known=known))
    await asyncio.sleep(0)
    return task


async def test_who_waits_has_the_next_place() -> None:
    gate = full()
    first, second = await waiting(gate), await waiting(gate)
    gate.leave()
    await first
    assert not second.done()
    assert gate.bound.in_flight == 3
    gate.leave()
    await second


async def test_who_is_known_goes_before_who_is_not() -> None:
    gate = full()
    stranger, friend = await waiting(gate), await waiting(gate, known=True)
    gate.leave()
    await friend
    assert not stranger.done()
    stranger.cancel()


async def test_a_thousand_clients_of_a_slow_function_all_stand_in_line() -> None:
    gate = full(Range().least, QUEUE)
    crowd = [await waiting(gate) for _ in range(1024)]
    assert not any(task.done() for task in crowd)
    for task in crowd:
        task.cancel()


async def test_a_full_line_refuses_at_once() -> None:
    gate = full(places=2, queue=1)
    first = await waiting(gate)
    with pytest.raises(Problem) as raised:
        await gate.wait(LONG, known=False)
    assert raised.value.kind is OVERLOADED
    assert (b"retry-after", b"1") in raised.value.headers
    first.cancel()


async def test_in_a_full_line_a_stranger_makes_room_for_who_is_known() -> None:
    gate = full(places=2, queue=1)
    stranger, friend = await waiting(gate), await waiting(gate, known=True)
    with pytest.raises(Problem):
        await stranger
    gate.leave()
    await friend


async def test_more_may_wait_than_may_be_in_flight() -> None:
    gate = full(places=1, queue=10)
    waiters = [await waiting(gate) for _ in range(10)]
    with pytest.raises(Problem):
        await gate.wait(LONG, known=False)
    for each in waiters:
        each.cancel()


@pytest.mark.parametrize("left", [0.0, -1.0])
async def test_who_would_be_late_does_not_wait(left: float) -> None:
    gate = full()
    with pytest.raises(Problem):
        await gate.wait(left, known=True)
    assert len(gate.line) == 0


async def test_who_has_waited_long_enough_is_refused_and_stands_there_no_more() -> None:
    gate = full()
    with pytest.raises(Problem):
        await gate.wait(0.001, known=False)
    assert len(gate.line) == 0
    gate.leave()
    assert gate.bound.in_flight == 2


async def test_who_leaves_the_line_takes_no_place() -> None:
    gate = full()
    gone = await waiting(gate)
    gone.cancel()
    await asyncio.wait([gone])
    gate.leave()
    assert gate.bound.in_flight == 2


async def test_a_place_that_comes_as_its_client_leaves_goes_to_the_next() -> None:
    gate = full()
    gone, second = await waiting(gate), await waiting(gate)
    gate.leave()  # the place is given ...
    gone.cancel()  # ... in the turn in which its client leaves
    await asyncio.wait([gone])
    await second
    assert gate.bound.in_flight == 3


async def test_a_bound_that_has_grown_lets_in_as_many_as_it_can() -> None:
    gate = full()
    both = [await waiting(gate), await waiting(gate)]
    gate.bound.limit = 9
    gate.leave()
    await asyncio.gather(*both)
    assert gate.bound.in_flight == 4


async def test_a_bound_that_has_shrunk_lets_nobody_in_before_it_is_kept() -> None:
    gate = full(places=3)
    waits = await waiting(gate)
    gate.bound.limit = 1
    gate.leave()
    gate.leave()
    assert not waits.done()
    gate.leave()
    await waits
    assert gate.bound.in_flight == 1
