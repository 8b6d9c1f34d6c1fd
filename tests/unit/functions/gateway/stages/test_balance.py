"""Which instance a request goes to, and what is counted of it."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.exchange import Exchange, Response
from functions.gateway.instances.watch import Membership
from functions.gateway.pipeline import random_below
from functions.gateway.stages.balance import balance, choose, elsewhere
from functions.gateway.stages.breaker.circuit import PROBES, Rules
from functions.gateway.stages.breaker.circuits import Circuits
from runtime.http.problem import CIRCUIT_OPEN, UNREACHABLE, Problem
from tests.exchanges import Below, exchange

ALIVE = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


def members(*addresses: str) -> Membership:
    membership = Membership("things")
    membership.update(frozenset(addresses))
    return membership


def untroubled() -> Circuits:
    return Circuits(Rules(), lambda: 0.0)


def first(_below: int) -> int:
    return 0


async def test_a_request_counts_until_its_answer_is_finished() -> None:
    in_flight: Counter[str] = Counter()
    during: list[int] = []

    async def below(asked: Exchange) -> Response:
        during.append(in_flight[asked.instance])
        return Response(200, [])

    response = await balance(members("a"), in_flight, untroubled(), first)(below)(exchange())
    assert (during, in_flight["a"]) == ([1], 1)
    response.finish()
    assert in_flight["a"] == 0


@pytest.mark.parametrize("failure", [Problem(UNREACHABLE), RuntimeError("broken")])
async def test_a_request_that_failed_counts_no_more(failure: Exception) -> None:
    in_flight: Counter[str] = Counter()
    with pytest.raises(type(failure)):
        await balance(members("a"), in_flight, untroubled(), first)(Below(failure))(exchange())
    assert in_flight["a"] == 0


async def test_the_instance_that_was_chosen_is_noted() -> None:
    asked = exchange()
    await balance(members("a"), Counter(), untroubled(), first)(Below())(asked)
    assert (asked.instance, asked.tried) == ("a", ["a"])


async def test_without_an_instance_the_client_is_told_to_come_back() -> None:
    with pytest.raises(Problem) as raised:
        await balance(members(), Counter(), untroubled(), first)(Below())(exchange())
    assert raised.value.kind is UNREACHABLE
    assert (b"retry-after", b"1") in raised.value.headers


def test_of_two_the_one_with_less_in_flight_is_chosen() -> None:
    assert choose("ab", [], Counter(a=2, b=1), first) == "b"


def test_the_busiest_of_all_is_never_chosen_for_the_next() -> None:
    chosen = {choose("abc", [], Counter(a=9), random_below) for _ in range(200)}
    assert chosen == {"b", "c"}


def test_equals_share_alike() -> None:
    draw = random.Random(1).randrange  # noqa: S311  a draw that is the same each time
    chosen = Counter(choose("abcd", [], Counter(), draw) for _ in range(4000))
    assert min(chosen.values()) > 900


@given(ALIVE, st.lists(st.sampled_from("abcdefgh")), st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9)))
def test_what_was_tried_is_chosen_only_when_nothing_else_is_there(
    alive: Sequence[str], tried: list[str], loads: dict[str, int]
) -> None:
    chosen = choose(alive, tried, Counter(loads), random_below)
    assert chosen in alive
    assert chosen not in tried or set(alive) <= set(tried)


@given(st.lists(st.sampled_from("abcdefgh")))
def test_nothing_is_chosen_where_nothing_is(tried: list[str]) -> None:
    with pytest.raises(Problem):
        choose([], tried, Counter(), first)


def failing(*addresses: str) -> Circuits:
    """Circuits of which these are open until 10.0."""
    circuits = Circuits(Rules(consecutive=1, open=10, longest=10), lambda: 0.0)
    for address in addresses:
        circuit = circuits.of(address)
        circuit.failed(circuit.enter(0.0), 0.0)
    return circuits


async def chosen(alive: Membership, circuits: Circuits, now: float) -> set[str]:
    """Where a hundred requests go."""
    below = Below()
    handler = balance(alive, Counter(), circuits, random_below, lambda: now)(below)
    for _ in range(100):
        await handler(exchange())
    return {asked.instance for asked in below.seen}


async def test_an_instance_with_an_open_circuit_gets_no_request_until_it_may_be_probed() -> None:
    circuits = failing("a")
    assert await chosen(members("a", "b"), circuits, 9.9) == {"b"}
    assert await chosen(members("a", "b"), circuits, 10.0) == {"a", "b"}


@pytest.mark.parametrize(("now", "seconds"), [(4.0, b"6"), (9.0, b"5")])
async def test_with_every_circuit_open_the_client_is_told_when_to_come_back(now: float, seconds: bytes) -> None:
    with pytest.raises(Problem) as raised:
        await chosen(members("a", "b"), failing("a", "b"), now)
    assert raised.value.kind is CIRCUIT_OPEN
    assert (b"retry-after", seconds) in raised.value.headers


async def test_open_circuits_of_a_function_without_instances_are_not_the_reason() -> None:
    with pytest.raises(Problem) as raised:
        await chosen(members(), failing("a"), 0.0)
    assert raised.value.kind is UNREACHABLE


@pytest.mark.parametrize(
    ("alive", "broken", "tried", "another", "same"),
    [
        ("a", "", "a", False, True),
        ("ab", "", "a", True, True),
        ("ab", "b", "a", False, True),
        ("ab", "ab", "a", False, False),
        ("ab", "a", "a", True, True),
        ("", "", "a", False, False),
    ],
)
def test_a_request_is_tried_again_only_where_a_circuit_lets_it(
    alive: str,
    broken: str,
    tried: str,
    another: bool,  # noqa: FBT001  a parameter of a test
    same: bool,  # noqa: FBT001  as above
) -> None:
    asked = exchange()
    asked.tried.extend(tried)
    where = elsewhere(members(*alive), failing(*broken), lambda: 1.0)
    assert (where(asked, same=False), where(asked, same=True)) == (another, same)


async def test_a_further_try_goes_to_whoever_s_circuit_lets_it() -> None:
    asked, below = exchange(), Below()
    asked.tried.append("a")
    await balance(members("a", "b", "c", "d"), Counter(), failing("a", "b", "c"), random_below, lambda: 1.0)(below)(
        asked
    )
    assert asked.instance == "d"


async def test_who_comes_while_probes_are_under_way_waits_for_them() -> None:
    circuits, answers = failing("a"), asyncio.Event()
    in_flight: Counter[str] = Counter()

    async def below(asked: Exchange) -> Response:
        circuit = circuits.of(asked.instance)
        generation = circuit.enter(10.0)
        await answers.wait()
        circuit.succeeded(generation)
        circuits.heard(circuit)
        return Response(200, [])

    handler = balance(members("a"), in_flight, circuits, random_below, lambda: 10.0)(below)
    asking = [asyncio.ensure_future(handler(exchange())) for _ in range(50)]
    await asyncio.sleep(0)
    assert in_flight["a"] == PROBES
    answers.set()
    assert [(await each).status for each in asking] == [200] * 50
