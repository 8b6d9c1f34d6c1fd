"""One process's buckets: what is kept, what is forgotten, and that time is the only thing that refills."""

from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.limit.bucket import Admission, Refusal, decide
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import MICROSECONDS
from tests.lending import Taken, alone, policies

ALONE = policies("60/1m burst 3")  # one a second


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


async def take(permits: MemoryPermits, key: str) -> Taken:
    return alone(await permits.take(ALONE, (key,)))


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.sampled_from("abcdef")), max_size=80))
async def test_each_key_is_a_bucket_of_its_own(takes: list[tuple[int, str]]) -> None:
    clock, tats = Clock(), dict[str, int]()
    permits = MemoryPermits(clock, most=100)
    for gap, key in takes:
        clock.now += gap
        expected, (tats[key],) = decide([tats.get(key)], clock.now, ALONE.buckets)
        assert await take(permits, key) == alone(expected)


@given(st.lists(st.tuples(st.integers(0, 500_000), st.integers(0, 50)), max_size=200), st.integers(1, 8))
async def test_no_more_keys_are_kept_than_allowed(takes: list[tuple[int, int]], most: int) -> None:
    clock = Clock()
    permits = MemoryPermits(clock, most)
    for gap, key in takes:
        clock.now += gap
        await take(permits, str(key))
        assert len(permits) <= most


async def test_full_buckets_are_forgotten_as_new_keys_come() -> None:
    clock = Clock()
    permits = MemoryPermits(clock)
    for key in range(1000):
        clock.now += MICROSECONDS
        await take(permits, str(key))
    assert len(permits) < 10


async def test_a_flood_of_new_keys_does_not_free_an_exhausted_one() -> None:
    permits = MemoryPermits(Clock(), most=100)
    for _ in range(3):
        await take(permits, "exhausted")
    for key in range(10_000):
        await take(permits, str(key))
    assert not (await take(permits, "exhausted")).admitted


async def test_what_somebody_else_counted_is_taken_over() -> None:
    permits = MemoryPermits(Clock())
    permits.learn("key", 3 * MICROSECONDS)
    assert (await take(permits, "key")).retry_after == 1.0


async def test_debts_are_the_time_until_full_and_leave_out_what_is_full() -> None:
    clock = Clock()
    permits = MemoryPermits(clock)
    await take(permits, "early")
    clock.now += MICROSECONDS
    await take(permits, "late")
    assert permits.debts() == {"late": MICROSECONDS}


async def test_debts_may_be_asked_of_some_keys_only() -> None:
    permits = MemoryPermits(Clock())
    await take(permits, "asked")
    await take(permits, "not asked")
    assert permits.debts({"asked", "unknown"}) == {"asked": MICROSECONDS}


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.sampled_from(["ab", "a", "b"])), max_size=60))
async def test_of_several_buckets_all_give_a_permit_or_none(takes: list[tuple[int, str]]) -> None:
    clock, tats = Clock(), dict[str, int]()
    permits = MemoryPermits(clock)
    for gap, keys in takes:
        clock.now += gap
        single = [decide([tats.get(key)], clock.now, ALONE.buckets) for key in keys]
        empty = tuple(index for index, (verdict, _) in enumerate(single) if isinstance(verdict, Refusal))
        both = policies(*["60/1m burst 3"] * len(keys))
        taken = await permits.take(both, tuple(keys))
        if isinstance(taken, Admission):
            tats.update((key, tat) for key, (_, (tat,)) in zip(keys, single, strict=True))
            assert not empty
        else:
            assert taken.violated == empty
        left = [3 - -(-max(0, tats.get(key, 0) - clock.now) // MICROSECONDS) for key in keys]
        assert [state.remaining for state in taken.states] == left


async def test_a_refusal_is_known_without_taking_anything() -> None:
    permits = MemoryPermits(Clock())
    for _ in range(3):
        assert permits.refusal(ALONE, ("key",)) is None
        await take(permits, "key")
    refusal = permits.refusal(ALONE, ("key",))
    assert refusal is not None
    assert alone(refusal) == await take(permits, "key")
