"""Shared permits while Redis answers, this instance's share of them while it doesn't, and the way there and back.

In: permits that all share, and those of this process. Out: decisions, never Unavailable unless a policy asks for that.
Going there and back opens no second bucket: each side starts from what the other counted.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.permits import Permits
from functions.gateway.stages.limit.policy import Policies
from runtime.serving.background import again, until_done

_LOCAL = (("local", "refused"), ("local", "admitted"))
_PAUSE = 0.1  # seconds between two tries to come back
_WATCH = 0.4  # seconds between two looks whether it is still there
_MEETING = 0.5  # seconds from the first that finds the store back: within these everybody has tried


class SharedPermits(Permits, Protocol):
    """Permits that other instances take too, and that may be away."""

    @property
    def decisions(self) -> Mapping[tuple[str, ...], int]:
        """How many, by how they were known and by what was decided."""

    def forget(self) -> None:
        """Nothing that is known is true any more."""


class Seeded(Protocol):
    """Where shared permits are counted."""

    async def lost(self) -> bool:
        """Whether it has gone while nothing was asked."""

    async def meet(self, within: float) -> float:
        """Seconds until all who are away come back: `within`, if nobody has said when. Raises Unavailable."""

    async def seed(self, debts: Mapping[str, int]) -> None:
        """Takes over what was counted elsewhere: microseconds until each bucket is full. Raises Unavailable."""


class Fallback:
    """One instance's view of the shared permits.

    Failure policy: fails as the route says. `local`: the check that meets the failure, and every one after it, is
    answered at once by a bucket of this process at limit ÷ live instances, which starts where the shared one was last
    seen. `open`: it passes; `closed`: Unavailable. One probe in the background tries to come back, at the same moment
    as all others, and first tells the shared store what was admitted meanwhile. Nobody waits for it.
    """

    def __init__(
        self,
        shared: SharedPermits,
        store: Seeded,
        local: MemoryPermits,
        live: Callable[[], int],
        tell: Callable[[str], None] = lambda event: None,  # noqa: ARG005  an operator may want to know; nobody must
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._shared = shared
        self._store = store
        self._local = local
        self._live = live
        self._tell = tell
        self._sleep = sleep
        self._return: asyncio.Task[None] | None = None
        self._touched: set[str] = set()  # taken from locally, and not yet told to the shared store
        self._decisions: Counter[tuple[str, ...]] = Counter()

    @property
    def away(self) -> bool:
        """Whether limits are local at the moment."""
        return self._return is not None

    @property
    def decisions(self) -> Mapping[tuple[str, ...], int]:
        """How many checks, by who decided and by what was decided."""
        return {**self._shared.decisions, **self._decisions}

    async def take(self, policies: Policies, keys: tuple[str, ...]) -> Verdict:
        """A permit from each bucket, or from none."""
        if self._return is None:
            try:
                return await self._shared.take(policies, keys)
            except Unavailable:
                self._leave()
        if policies.on_failure == "local":
            return self._take_locally(policies, keys)
        self._decisions["none", policies.on_failure] += 1
        if policies.on_failure == "closed":
            raise Unavailable
        return Admission(())

    def refusal(self, policies: Policies, keys: tuple[str, ...]) -> Refusal | None:
        """What is refused already, by whoever decides at the moment."""
        if self._return is None:
            return self._shared.refusal(policies, keys)
        return self._local.refusal(policies, keys, self._live()) if policies.on_failure == "local" else None

    def _take_locally(self, policies: Policies, keys: tuple[str, ...]) -> Verdict:
        self._touched.update(keys)
        taken = self._local.share(policies, keys, self._live())
        self._decisions[_LOCAL[isinstance(taken, Admission)]] += 1
        return taken

    async def watching(self) -> None:
        """Looks for ever whether the store has gone while nobody asked, so that the next to ask finds it back."""
        await again("limits-store", self._look, lambda _worked: _WATCH, sleep=self._sleep)

    async def close(self) -> None:
        """Ends the probe, if there is one."""
        if self._return is not None:
            self._return.cancel()
            await asyncio.wait([self._return])

    def _leave(self) -> None:
        self._shared.forget()
        if self._return is None:
            self._return = asyncio.get_running_loop().create_task(self._come_back())
            self._tell("limits-local")

    async def _look(self) -> None:
        if self._return is None and await self._store.lost():
            self._leave()

    async def _come_back(self) -> None:
        await until_done("limits-return", self._back, _PAUSE, sleep=self._sleep)
        self._return = None
        self._tell("limits-shared")

    async def _back(self) -> bool:
        """Whether the store is there again; that it is not was told when it went."""
        try:
            await self._hand_back()
        except Unavailable:
            return False
        return True

    async def _hand_back(self) -> None:
        """Everything that is known, and then what was taken meanwhile; only the last round trip's worth is not told.

        With the others: what they still admit by themselves, whoever came back before them would admit as well.
        """
        time = asyncio.get_running_loop().time
        moment = await self._store.meet(_MEETING if self._live() > 1 else 0.0) + time()
        self._touched.clear()
        await self._store.seed(self._local.debts())
        await self._sleep(max(0.0, moment - time()))
        await self._store.seed(self._local.debts(self._touched))
