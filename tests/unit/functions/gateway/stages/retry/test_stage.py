"""What is tried again, and above all what is not."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.stages.forward.stage import InstanceFailed
from functions.gateway.stages.keep import KEPT, keep
from functions.gateway.stages.retry.budget import FLOOR, Budget
from functions.gateway.stages.retry.stage import IDEMPOTENT, retry
from runtime.http.problem import (
    CIRCUIT_OPEN,
    DEADLINE_EXCEEDED,
    MISBEHAVED,
    QUOTA_EXCEEDED,
    UNAUTHENTICATED,
    UNREACHABLE,
    Kind,
    Problem,
)
from runtime.serving.deadline import Deadline
from tests.exchanges import Below, everything, exchange

KEY = (b"idempotency-key", b"once")
REFUSED = InstanceFailed(UNREACHABLE, sent=False)
BROKEN = InstanceFailed(UNREACHABLE, sent=True)


class Told:
    """What was told of further tries."""

    def __init__(self) -> None:
        self.tries = self.refusals = 0

    def retried(self) -> None:
        self.tries += 1

    def refused(self) -> None:
        self.refusals += 1


def at_once() -> float:
    return 0.0


def retrying(retries: int, below: Handler, budget: Budget | None = None, told: Told | None = None) -> Handler:
    """As a route has it: small bodies are kept, pauses take no time."""
    stage = retry(retries, {502, 503, 504}, budget or Budget(), at_once, told or Told())
    return keep()(stage(below))


def trying(below: Handler) -> Handler:
    """Notes each try, as balancing does."""

    async def handler(asked: Exchange) -> Response:
        asked.tried.append("somewhere")
        return await below(asked)

    return handler


async def tries(asked: Exchange, *answers: int | Exception, retries: int = 2) -> tuple[int, int | type[Exception]]:
    """How often the request reached an instance, and what came of it."""
    below = Below(*answers)
    try:
        came: int | type[Exception] = (await retrying(retries, below)(asked)).status
    except Problem as problem:
        came = type(problem)
    return len(below.seen), came


async def test_a_get_that_broke_is_tried_elsewhere() -> None:
    assert await tries(exchange(), BROKEN, 200) == (2, 200)


async def test_a_post_that_was_sent_is_not_sent_again() -> None:
    assert await tries(exchange(b"POST"), BROKEN, 200) == (1, InstanceFailed)


async def test_a_refused_connection_is_safe_to_retry() -> None:
    assert await tries(exchange(b"POST"), REFUSED, 200) == (2, 200)


async def test_a_refused_connection_is_safe_to_retry_with_a_small_body_too() -> None:
    assert await tries(exchange(b"POST", b"/", [], b"abc", length=3), REFUSED, 200) == (2, 200)


async def test_a_post_with_a_key_is_tried_elsewhere() -> None:
    assert await tries(exchange(b"POST", b"/", [KEY], b"abc", length=3), BROKEN, 200) == (2, 200)


async def test_a_small_body_is_the_same_at_every_try() -> None:
    bodies: list[bytes | None] = []

    async def below(asked: Exchange) -> Response:
        bodies.append(asked.body)
        raise BROKEN

    with pytest.raises(InstanceFailed):
        await retrying(2, below)(exchange(b"PUT", b"/", [], b"ab", b"c", length=3))
    assert bodies == [b"abc"] * 3


@pytest.mark.parametrize("length", [None, KEPT + 1])
@pytest.mark.parametrize("failure", [REFUSED, BROKEN])
async def test_a_stream_whose_first_part_is_gone_is_tried_once(length: int | None, failure: InstanceFailed) -> None:
    taken: list[bytes] = []

    async def below(asked: Exchange) -> Response:
        taken.append(await asked.read())  # as the client does before it connects
        raise failure

    with pytest.raises(InstanceFailed):
        await retrying(2, below)(exchange(b"PUT", b"/", [], b"first", b"second", length=length))
    assert taken == [b"first"]


async def test_a_large_body_is_not_held() -> None:
    below = Below()
    asked = exchange(b"PUT", b"/", [], b"x" * KEPT, b"x", length=KEPT + 1)
    await retrying(1, below)(asked)
    assert below.seen[0].body is None
    assert len(await everything(below.seen[0].read)) == KEPT + 1


async def test_after_the_last_try_the_last_failure_is_told() -> None:
    assert await tries(exchange(), BROKEN, retries=2) == (3, InstanceFailed)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_answer_that_only_a_broken_instance_gives_is_asked_for_elsewhere(status: int) -> None:
    assert await tries(exchange(), status, 200) == (2, 200)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 501])
async def test_any_other_answer_is_an_answer(status: int) -> None:
    assert await tries(exchange(), status, 200) == (1, status)


async def test_after_the_last_try_the_last_answer_is_given() -> None:
    assert await tries(exchange(), BROKEN, 503) == (3, 503)


async def test_a_post_that_was_answered_503_is_not_sent_again() -> None:
    assert await tries(exchange(b"POST"), 503, 200) == (1, 503)


async def test_an_answer_that_is_not_given_is_closed() -> None:
    closed: list[int] = []

    async def below(_asked: Exchange) -> Response:
        return Response(503, [], at_end=[lambda: closed.append(1)])

    response = await retrying(2, below)(exchange())
    assert len(closed) == 2
    response.finish()
    assert len(closed) == 3


@pytest.mark.parametrize("kind", [QUOTA_EXCEEDED, CIRCUIT_OPEN, UNAUTHENTICATED, DEADLINE_EXCEEDED])
async def test_what_the_gateway_itself_refused_is_not_tried_again(kind: Kind) -> None:
    assert await tries(exchange(), Problem(kind), 200) == (1, Problem)


async def test_what_can_not_be_done_in_time_is_not_begun() -> None:
    asked = exchange()
    asked.deadline = Deadline.after(0)
    assert await tries(asked, BROKEN, 200) == (1, InstanceFailed)


async def test_all_that_was_in_flight_on_an_instance_that_died_is_tried_elsewhere() -> None:
    """Which is half of all that is under way where there are two, and more than a budget has room for."""
    budget, told, died = Budget(), Told(), asyncio.Event()

    async def below(asked: Exchange) -> Response:
        if len(asked.tried) == 1:
            await died.wait()
            raise BROKEN
        return Response(200, [], b"")

    async def asked() -> int:
        one = exchange()
        handler = retrying(1, trying(below), budget, told)
        return (await handler(one)).status

    asking = [asyncio.create_task(asked()) for _ in range(40)]
    await asyncio.sleep(0)
    died.set()
    assert await asyncio.gather(*asking) == [200] * 40
    assert (told.refusals, budget.live, budget.retrying) == (0, 0, 0)


@pytest.mark.parametrize("failure", [503, InstanceFailed(DEADLINE_EXCEEDED, sent=True)])
async def test_whoever_may_still_be_at_it_is_asked_again_within_the_budget_only(failure: int | Exception) -> None:
    budget = Budget()
    for _ in range(FLOOR):
        budget.spend()
    below = Below(failure, 200)
    with suppress(InstanceFailed):
        await retrying(1, below, budget)(exchange())
    assert len(below.seen) == 1


async def test_a_try_that_the_budget_has_no_room_for_is_told_and_not_made() -> None:
    budget, told, below = Budget(), Told(), Below(503, 200)
    for _ in range(FLOOR):
        budget.spend()
    response = await retrying(2, below, budget, told)(exchange())
    assert (response.status, len(below.seen)) == (503, 1)
    assert (told.tries, told.refusals) == (0, 1)


@pytest.mark.parametrize("answer", [200, 503, BROKEN, Problem(CIRCUIT_OPEN), RuntimeError("ours")])
async def test_whatever_comes_of_a_try_the_budget_has_its_part_back(answer: int | Exception) -> None:
    budget, told = Budget(), Told()
    with suppress(Exception):
        await retrying(2, Below(503, answer), budget, told)(exchange())
    assert (budget.live, budget.retrying) == (0, 0)
    assert told.tries > 0


FAILURES = st.lists(st.booleans().map(lambda sent: InstanceFailed(UNREACHABLE, sent=sent)), max_size=6)
METHODS = st.sampled_from([b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"POST", b"PATCH", b"BREW", b"get"])
BODIES = st.one_of(st.just(b""), st.binary(max_size=20), st.just(b"x" * (KEPT + 1)))


@given(METHODS, st.sampled_from([[], [KEY]]), BODIES, st.booleans(), FAILURES, st.integers(0, 4))
async def test_what_may_have_been_done_is_done_again_only_if_that_is_harmless(
    method: bytes,
    keyed: list[Header],
    body: bytes,
    chunked: bool,  # noqa: FBT001  drawn by hypothesis
    failures: list[InstanceFailed],
    retries: int,
) -> None:
    asked = exchange(method, b"/", keyed, body, length=None if chunked else len(body))
    sent: list[bytes] = []
    acted = False
    left = list(failures)

    async def below(asked: Exchange) -> Response:
        nonlocal acted
        assert not acted or method in IDEMPOTENT or keyed, "sent twice, and it may have been done twice"
        sent.append(asked.body if asked.body is not None else await everything(asked.read))
        if not left:
            return Response(200, [])
        failure = left.pop(0)
        acted = acted or failure.sent
        raise failure

    try:
        await retrying(retries, below)(asked)
    except InstanceFailed:
        assert len(sent) <= retries + 1
    assert set(sent) == {body}, "a try that has another body"


@pytest.mark.parametrize(
    ("failure", "same"),
    [
        (503, False),
        (InstanceFailed(MISBEHAVED, sent=True), False),
        (InstanceFailed(DEADLINE_EXCEEDED, sent=True), False),
        (BROKEN, True),
        (REFUSED, True),
    ],
)
@pytest.mark.parametrize("there", [True, False])
async def test_who_has_answered_is_not_asked_again_and_where_nobody_may_be_asked_the_failure_stands(
    failure: int | Exception,
    same: bool,  # noqa: FBT001  a parameter of a test
    there: bool,  # noqa: FBT001  as above
) -> None:
    said: list[bool] = []

    def elsewhere(_asked: Exchange, *, same: bool) -> bool:
        said.append(same)
        return there

    below = Below(failure, 200)
    with suppress(InstanceFailed):
        await retry(2, {503}, Budget(), at_once, Told(), elsewhere=elsewhere)(below)(exchange())
    assert said == [same]
    assert len(below.seen) == 1 + there
