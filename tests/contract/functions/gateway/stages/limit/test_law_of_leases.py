"""The law of leases, over a store in Python and over a real Redis: never more than the limit, and hardly less."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.gateway.redis.conversation import Unavailable
from functions.gateway.stages.limit.desk import Loan
from functions.gateway.stages.limit.leases import Leases, Question
from tests.contract.functions.gateway.stages.limit.games import (
    BUNDLES,
    GATEWAYS,
    NEVER_FEWER,
    NEVER_MORE,
    Lending,
    Step,
    calm,
    games,
    play,
)
from tests.invariants import EXAMPLES, Broken
from tests.lending import Store
from tests.timed import TimedStore

# A store in Python plays many times more games than Redis; PORTICO_EXAMPLES makes both runs longer.
FEW, MANY = settings(max_examples=8 * EXAMPLES, deadline=None), settings(max_examples=200 * EXAMPLES, deadline=None)
FEW = settings(FEW, suppress_health_check=list(HealthCheck))
MANY = settings(MANY, suppress_health_check=list(HealthCheck))

who, bundle = st.integers(0, GATEWAYS - 1), st.integers(0, len(BUNDLES) - 1)
requests = st.builds(Step, st.just("request"), who, bundle, st.integers(1, 120))
passing = st.builds(Step, st.just("pass"), who, bundle, st.integers(0, 5_000_000) | st.integers(0, 10_000))
moment = st.builds(Step, st.just("pass"), who, bundle, st.integers(0, 400_000))
others = st.builds(Step, st.sampled_from(["leave", "decide", "arrive", "sweep", "lose"]), who, bundle, st.just(0))
any_steps = st.lists(st.one_of(requests, requests, passing, others, others, others), max_size=60)
calm_steps = st.lists(st.one_of(requests, moment), max_size=40)


@given(any_steps)
@MANY
async def test_whatever_happens_never_more_than_the_limit_is_admitted(steps: list[Step]) -> None:
    await play(Store(), steps)


@given(calm_steps)
@MANY
async def test_nobody_is_refused_while_more_is_left_than_may_be_on_lease(steps: list[Step]) -> None:
    await calm(Store(), steps)


@given(any_steps)
@FEW
async def test_over_redis_never_more_than_the_limit_is_admitted(
    redis_url: str, tmp_path: Path, steps: list[Step]
) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        await play(store, steps)


@given(calm_steps)
@FEW
async def test_over_redis_nobody_is_refused_while_more_is_left_than_may_be_on_lease(
    redis_url: str, tmp_path: Path, steps: list[Step]
) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        await calm(store, steps)


# Planted bugs, each of which breaks one of the two.


class Credulous(Leases):
    """Admits whoever asked, whatever the answer is."""

    def _settle(self, question: Question, loan: Loan | Unavailable) -> None:
        said = loan if isinstance(loan, Unavailable) else loan._replace(taken=question.ask.need)
        super()._settle(question, said)


async def broken_by(store: Lending, kind: type[Leases] = Leases) -> str:
    """Which invariant breaks, in games that are the same each time."""
    for restless, game in ((True, play), (False, calm)):
        for steps in games(60, restless=restless):
            try:
                await game(store, steps, kind)
            except Broken as broken:
                return str(broken).partition(":")[0]
            store.now += 86_400_000_000  # all buckets are full again
    return "none"


async def test_as_it_is_no_invariant_breaks(redis_url: str, tmp_path: Path) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        assert await broken_by(store) == "none"


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        pytest.param(("(taken + lent) * pace", "taken * pace"), NEVER_MORE, id="a lease not deducted"),
        pytest.param(("tat, now + out * pace)", "tat, now)"), NEVER_MORE, id="what is on lease refills"),
        pytest.param(
            ("(taken + lent) * pace", "(math.min(tonumber(ARGV[1]), buckets[i][5]) + lent) * pace"),
            NEVER_FEWER,
            id="taken from some although not from all",
        ),
        pytest.param(("tat - math.min(mine, ARGV[7]) * pace", "tat"), NEVER_FEWER, id="what comes back is lost"),
        pytest.param(("tat - math.min(mine, ARGV[7])", "tat - mine"), NEVER_MORE, id="what was used comes back"),
    ],
)
async def test_a_planted_bug_of_the_script_is_noticed(
    redis_url: str, tmp_path: Path, change: tuple[str, str], invariant: str
) -> None:
    async with TimedStore(redis_url, tmp_path, change) as store:
        assert await broken_by(store) == invariant


async def test_ignoring_what_redis_answers_is_noticed(redis_url: str, tmp_path: Path) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        assert await broken_by(store, Credulous) == NEVER_MORE
