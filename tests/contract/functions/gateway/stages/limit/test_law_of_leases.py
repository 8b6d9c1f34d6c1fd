"""The law of leases, over a store in Python and over a real Redis: never more than the limit, and hardly less."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.desk import Loan
from functions.gateway.stages.limit.leases import Leases, Question
from functions.gateway.stages.limit.policy import Policies
from runtime.units import Limit
from tests.contract.functions.gateway.stages.limit.games import (
    NAMES,
    NEVER_FEWER,
    Lending,
    Step,
    World,
    calm,
    games,
    play,
)
from tests.contract.functions.gateway.stages.limit.loads import Load, Saturated
from tests.contract.functions.gateway.stages.limit.oracle import NEVER_MORE
from tests.invariants import EXAMPLES, Broken
from tests.lending import Store
from tests.timed import TimedStore

# A store in Python plays many times more games than Redis; PORTICO_EXAMPLES makes both runs longer.
FEW, MANY = settings(max_examples=8 * EXAMPLES, deadline=None), settings(max_examples=100 * EXAMPLES, deadline=None)
FEW = settings(FEW, suppress_health_check=list(HealthCheck))
MANY = settings(MANY, suppress_health_check=list(HealthCheck))
SOME = settings(MANY, max_examples=4 * EXAMPLES)

rates = st.sampled_from([(1, 3600), (10, 3600), (1, 60), (600, 60), (1, 1), (7, 1), (100, 1), (500, 1), (10_000, 1)])
rates |= st.tuples(st.integers(1, 10_000), st.sampled_from([1, 60, 3600]))
limits = st.builds(lambda rate, burst: Limit(rate[0], rate[1], burst), rates, st.integers(1, 60) | st.integers(1, 1000))
several, live = st.integers(1, 16), st.sampled_from([1, 1, 2, 4, 16])
worlds = st.builds(World, limits, limits, several, live, st.integers(-100, 100)) | st.just(World())
in_step = worlds.map(lambda world: world._replace(drift=0))

who, bundle = st.integers(0, 15), st.integers(0, len(NAMES) - 1)
gap = st.integers(0, 100) | st.integers(0, 10_000) | st.integers(0, 400_000)
requests = st.builds(Step, st.just("request"), who, bundle, st.integers(1, 120) | st.integers(1, 1000))
passing = st.builds(Step, st.just("pass"), who, bundle, gap | st.integers(0, 5_000_000))
moment = st.builds(Step, st.just("pass"), who, bundle, gap)
drips = st.builds(Step, st.just("drip"), who, bundle, st.integers(0, 100) | st.integers(0, 30_000))
others = st.builds(Step, st.sampled_from(["leave", "decide", "arrive", "sweep", "lose"]), who, bundle, st.just(0))
any_steps = st.lists(st.one_of(requests, requests, drips, passing, others, others, others), max_size=60)
calm_steps = st.lists(st.one_of(requests, drips, moment), max_size=40)


def asked(who: int, requests: int) -> list[Step]:
    """Requests for the smaller bucket, and their answers."""
    return [Step("request", who, 1, requests), *(Step(what, who) for what in ("leave", "decide", "arrive"))]


def later(microseconds: int) -> Step:
    return Step("pass", much=microseconds)


# A lease comes back to a bucket that has refilled meanwhile; ends by itself there; is used late, beside a full bucket.
BACK = [*asked(1, 8), later(90_000), *asked(1, 103), *asked(0, 39), *asked(1, 59)]
ENDED = [*asked(1, 8), later(1_990_000), *asked(1, 8), later(510_000), *asked(0, 200)]
LATE = [*asked(1, 8), later(1_300_000), *asked(0, 200), *asked(1, 8)]
SLOW = World(b=Limit.parse("600/1m burst 200"))
# As a game found the first of them.
FOUND = [
    Step("request", 1, 1, 8),
    later(90_000),
    *(Step("request", *each) for each in ((1, 1, 103), (0, 1, 39), (1, 1, 59))),
]


@given(worlds, any_steps)
@example(World(), BACK)
@example(SLOW, ENDED)
@example(World(), LATE)
@MANY
async def test_whatever_happens_never_more_than_the_limit_is_admitted(world: World, steps: list[Step]) -> None:
    await play(Store(), world, steps)


@given(in_step, calm_steps)
@example(World(), FOUND)
@MANY
async def test_nobody_is_refused_while_more_is_left_than_may_be_on_lease(world: World, steps: list[Step]) -> None:
    await calm(Store(), world, steps)


@given(worlds, any_steps)
@example(World(), BACK)
@example(SLOW, ENDED)
@example(World(), LATE)
@FEW
async def test_over_redis_never_more_than_the_limit_is_admitted(
    redis_url: str, tmp_path: Path, world: World, steps: list[Step]
) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        await play(store, world, steps)


@given(in_step, calm_steps)
@example(World(), FOUND)
@FEW
async def test_over_redis_nobody_is_refused_while_more_is_left_than_may_be_on_lease(
    redis_url: str, tmp_path: Path, world: World, steps: list[Step]
) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        await calm(store, world, steps)


loads = st.builds(Load, st.sampled_from([0, 1, 2, 8, 40]), st.integers(1, 5), st.integers(1, 4))


@given(worlds, loads)
@example(World(Limit.parse("600/1m burst 100")), Load(8))
@SOME
async def test_under_any_load_never_more_than_the_limit_is_admitted(world: World, load: Load) -> None:
    assert await Saturated(Store(), world, load).run() <= 1


POLICIES = ["600/1m burst 100", "100/1s", "500/1s", "1000/1s burst 200", "10000/1s"]


@pytest.mark.parametrize("load", [Load(times=3), Load(8)], ids=["open", "closed"])
@pytest.mark.parametrize("gateways", [1, 4, 16])
@pytest.mark.parametrize("limit", POLICIES)
async def test_of_what_is_allowed_hardly_anything_is_left(limit: str, gateways: int, load: Load) -> None:
    """Wherever round trips take less time than a bucket does to fill."""
    world = World(Limit.parse(limit), gateways=gateways, live=gateways)
    assert 0.95 <= await Saturated(Store(), world, load).run() <= 1


# Planted bugs, each of which breaks one of the two.


class Credulous(Leases):
    """Admits whoever asked, whatever the answer is."""

    def _settle(self, question: Question, loan: Loan | Unavailable) -> None:
        said = loan if isinstance(loan, Unavailable) else loan._replace(taken=question.ask.need)
        super()._settle(question, said)


class Mistaken(Leases):
    """Takes for admitted who is refused without a question, once a permit is due."""

    def at_once(self, policies: Policies, keys: tuple[str, ...]) -> Verdict | None:
        verdict = super().at_once(policies, keys)
        resets = [sent + reset for sent, reset, _ in (self._spent[key] for key in keys if key in self._spent)]
        if isinstance(verdict, Refusal) and max(resets) <= self._clock():
            return Admission(verdict.states)
        return verdict


async def broken_by(store: Lending, kind: type[Leases] = Leases) -> str:
    """Which invariant breaks, in games that are the same each time."""
    known = [(World(), BACK), (SLOW, ENDED), (World(), LATE)]
    for restless, game in ((True, play), (False, calm)):
        for world, steps in [*known, *((World(), steps) for steps in games(60, restless=restless))]:
            try:
                await game(store, world, steps, kind)
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
            ("tat, now + out * pace)", "tat, now + (out - (leases[back] or 0)) * pace)"),
            NEVER_MORE,
            id="what comes back has refilled",
        ),
        pytest.param(("before * pace", "0"), NEVER_MORE, id="what has ended has refilled"),
        pytest.param(("width) + 2", "width) - 4"), NEVER_MORE, id="a lease ends too early"),
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


@pytest.mark.parametrize("kind", [Credulous, Mistaken])
async def test_ignoring_what_redis_answers_is_noticed(redis_url: str, tmp_path: Path, kind: type[Leases]) -> None:
    async with TimedStore(redis_url, tmp_path) as store:
        assert await broken_by(store, kind) == NEVER_MORE
