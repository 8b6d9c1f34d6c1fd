"""Who is alive, for everyone who asks: `watch(name)` is kept up to date in the background.

In: a source that lists the addresses of a name (DNS, or a folder of members). Out: a Membership whose addresses are
there without waiting, and a word to whoever wants to know of those that left. It opens no socket to an instance.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from runtime.serving.background import again, beside
from runtime.telemetry import log

EAGER = 5  # times as often, while requests are refused for want of anybody

Source = Callable[[str], Awaitable[frozenset[str]]]  # raises OSError when it can't say

logger = log.get(__name__)


class Membership:
    """The instances of one name. `addresses` is replaced as a whole, so a reader may keep it for a request."""

    __slots__ = ("_on_left", "addresses", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: tuple[str, ...] = ()
        self._on_left: list[Callable[[str], None]] = []

    def on_left(self, call: Callable[[str], None]) -> None:
        """Calls `call` with each address that is no longer a member."""
        self._on_left.append(call)

    def off_left(self, call: Callable[[str], None]) -> None:
        """No longer does so."""
        self._on_left.remove(call)

    def update(self, alive: frozenset[str]) -> None:
        left = set(self.addresses) - alive
        if left or len(alive) != len(self.addresses):
            logger.info("instances", function=self.name, alive=sorted(alive))
            self.addresses = tuple(sorted(alive))
        for address in left:
            for call in self._on_left:
                call(address)


class Instances:
    """Asks `source` every `interval` seconds for each watched name, until closed; oftener where it has nobody."""

    def __init__(self, source: Source, interval: float) -> None:
        self._source = source
        self._interval = interval
        self._watched: dict[str, Membership] = {}
        self._asking = asyncio.Lock()  # whoever watches while another has just begun waits for the first answer too
        self._running: dict[str, AsyncExitStack] = {}

    async def watch(self, name: str) -> Membership:
        """The members of `name`; asked once before this returns."""
        async with self._asking:
            if name not in self._watched:
                membership = Membership(name)
                await self._begin(membership)
                self._watched[name] = membership
        return self._watched[name]

    async def leave(self, name: str) -> None:
        """Watches it no longer: nobody is a member any more. Harmless when nobody watched it."""
        running, membership = self._running.pop(name, None), self._watched.pop(name, None)
        if running is not None:
            await running.aclose()
        if membership is not None:
            membership.update(frozenset())

    async def close(self) -> None:
        while self._running:
            await self._running.popitem()[1].aclose()

    async def _begin(self, membership: Membership) -> None:
        """Fails static: while the source can't say, the last answer stands and the circuits sort out the dead."""

        async def ask() -> None:
            membership.update(await self._source(membership.name))

        def pause(_worked: bool) -> float:  # noqa: FBT001  see Pause
            return self._interval if membership.addresses else self._interval / EAGER

        name = f"instances-{membership.name}"
        with suppress(Exception):
            await ask()
        running = self._running[membership.name] = AsyncExitStack()
        await running.enter_async_context(beside(again(name, ask, pause)))
