"""When a gateway goes local, how it comes back, and what it tells. How a real Redis fails is in the contract suite."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import OnFailure, Policies
from runtime.serving.background import beside
from runtime.units import Limit
from tests.lending import policies

EIGHT = policies("8/1h")


class Store:
    """Shared permits and their store, away when told so; its clock is hours off, as that of another machine may be."""

    def __init__(self, learn: Callable[[str, int], None]) -> None:
        self.decisions = Counter[tuple[str, ...]]()
        self.forgot = 0
        self._learn = learn
        self.buckets = MemoryPermits(lambda: 10**10)
        self.away = False
        self.asked = 0
        self.seeded: list[dict[str, int]] = []

    async def take(self, asked: Policies, keys: tuple[str, ...]) -> Verdict:
        self.asked += 1
        self._answer()
        taken = await self.buckets.take(asked, keys)
        for key, debt in self.buckets.debts(keys).items():
            self._learn(key, debt)
        return taken

    def refusal(self, asked: Policies, keys: tuple[str, ...]) -> Refusal | None:
        return self.buckets.refusal(asked, keys)

    def forget(self) -> None:
        self.forgot += 1

    async def lost(self) -> bool:
        return self.away

    async def meet(self, within: float) -> float:
        self._answer()
        return within

    async def seed(self, debts: Mapping[str, int]) -> None:
        self._answer()
        self.seeded.append(dict(debts))
        for key, debt in debts.items():
            self.buckets.learn(key, debt)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable


class Pauses:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._asleep = asyncio.Semaphore(0)
        self._awake = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._asleep.release()
        await self._awake.acquire()

    async def begun(self) -> None:
        """Waits until the next pause has begun."""
        await self._asleep.acquire()

    def end(self) -> None:
        """Ends the pause that has begun."""
        self._awake.release()


class Gateway:
    def __init__(self, live: int = 4) -> None:
        local = MemoryPermits(lambda: 0)
        self.store, self.pauses, self.live = Store(local.learn), Pauses(), live
        self.told: asyncio.Queue[str] = asyncio.Queue()
        tell = self.told.put_nowait
        self.permits = Fallback(self.store, self.store, local, lambda: self.live, tell, self.pauses.sleep)

    async def admitted(self, times: int, key: str = "key") -> int:
        return sum([isinstance(await self.permits.take(EIGHT, (key,)), Admission) for _ in range(times)])

    async def come_back(self) -> None:
        await self.pauses.begun()
        self.store.away = False
        self.pauses.end()
        await self.pauses.begun()  # until the others come back, too
        self.pauses.end()
        while await self.told.get() != "limits-shared":
            pass


async def test_while_the_store_answers_it_decides() -> None:
    gateway = Gateway()
    assert await gateway.admitted(10) == 8
    assert gateway.store.asked == 10


async def test_the_check_that_meets_the_failure_is_answered_locally() -> None:
    gateway = Gateway()
    gateway.store.away = True
    assert await gateway.admitted(1) == 1
    assert gateway.permits.away
    await gateway.permits.close()


async def test_while_away_the_store_is_not_asked() -> None:
    gateway = Gateway()
    gateway.store.away = True
    await gateway.admitted(10)
    assert gateway.store.asked == 1
    await gateway.permits.close()


async def test_the_local_share_follows_who_is_alive() -> None:
    gateway = Gateway(live=4)
    gateway.store.away = True
    assert await gateway.admitted(10, "four alive") == 2
    gateway.live = 2
    assert await gateway.admitted(10, "two alive") == 4
    await gateway.permits.close()


async def test_what_was_seen_of_the_store_counts_whatever_its_clock_shows() -> None:
    gateway = Gateway()
    await gateway.admitted(4)
    gateway.store.away = True
    assert await gateway.admitted(10) == 1  # half of the limit was used, so half of a share is left
    await gateway.permits.close()


async def test_it_tries_to_come_back_again_and_again_and_then_waits_for_the_others() -> None:
    gateway = Gateway()
    gateway.store.away = True
    await gateway.admitted(1)
    for _ in range(3):
        await gateway.pauses.begun()
        gateway.pauses.end()
    await gateway.come_back()
    assert gateway.pauses.slept[:4] == [0.1] * 4
    assert gateway.pauses.slept[4] == pytest.approx(0.5, abs=0.1)


async def test_who_is_alone_waits_for_nobody() -> None:
    gateway = Gateway(live=1)
    gateway.store.away = True
    await gateway.admitted(1)
    await gateway.come_back()
    assert gateway.pauses.slept == [0.1, 0.0]


async def test_a_store_that_goes_while_nobody_asks_is_left() -> None:
    gateway = Gateway()
    async with beside(gateway.permits.watching()):
        await gateway.pauses.begun()
        gateway.store.away = True
        gateway.pauses.end()
        assert await gateway.told.get() == "limits-local"
        await gateway.permits.close()
    assert gateway.store.asked == 0


async def test_the_store_learns_what_was_admitted_before_it_is_asked_again() -> None:
    gateway = Gateway(live=1)
    gateway.store.away = True
    assert await gateway.admitted(5) == 5
    await gateway.come_back()
    assert await gateway.admitted(10) == 3


async def test_what_is_taken_while_buckets_are_handed_back_is_told_too() -> None:
    gateway = Gateway(live=1)
    gateway.store.away = True
    await gateway.admitted(1, "before")
    seed = gateway.store.seed

    async def seed_meanwhile(debts: Mapping[str, int]) -> None:
        if debts.keys() == {"before"}:
            await gateway.admitted(1, "meanwhile")
        await seed(debts)

    gateway.store.seed = seed_meanwhile  # type: ignore[method-assign]  # requests come while the first answer is awaited
    await gateway.come_back()
    assert [set(debts) for debts in gateway.store.seeded] == [{"before"}, {"meanwhile"}]


async def test_a_store_that_goes_a_second_time_is_away_again() -> None:
    gateway = Gateway()
    gateway.store.away = True
    await gateway.admitted(1)
    await gateway.come_back()
    gateway.store.away = True
    await gateway.admitted(1)
    assert gateway.permits.away
    assert gateway.told.get_nowait() == "limits-local"
    await gateway.permits.close()


async def test_closing_ends_the_probe() -> None:
    gateway = Gateway()
    gateway.store.away = True
    await gateway.admitted(1)
    await gateway.permits.close()
    assert len(asyncio.all_tasks()) == 1  # this test


def failing(on_failure: OnFailure) -> Policies:
    return Policies({"default": Limit.parse("8/1h")}, on_failure)


async def test_leaving_forgets_what_was_known_of_the_store() -> None:
    gateway = Gateway()
    gateway.store.away = True
    await gateway.admitted(1)
    assert gateway.store.forgot == 1
    await gateway.permits.close()


async def test_where_the_route_says_open_everything_passes_while_away() -> None:
    gateway = Gateway()
    gateway.store.away = True
    for _ in range(20):
        passed = await gateway.permits.take(failing("open"), ("key",))
        assert isinstance(passed, Admission)
        assert passed.states == ()
    assert gateway.permits.refusal(failing("open"), ("key",)) is None
    assert gateway.permits.decisions == {("none", "open"): 20}
    await gateway.permits.close()


async def test_where_the_route_says_closed_nothing_passes_while_away() -> None:
    gateway = Gateway()
    gateway.store.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await gateway.permits.take(failing("closed"), ("key",))
    assert gateway.permits.decisions == {("none", "closed"): 2}
    await gateway.permits.close()


async def test_a_refusal_is_known_by_who_decides() -> None:
    gateway = Gateway(live=4)
    await gateway.admitted(8)
    assert gateway.permits.refusal(EIGHT, ("key",)) is not None
    gateway.store.away = True
    await gateway.admitted(1, "other")
    assert gateway.permits.refusal(EIGHT, ("other",)) is None
    await gateway.admitted(1, "other")
    assert gateway.permits.refusal(EIGHT, ("other",)) is not None
    await gateway.permits.close()
