"""How a process is: starting, ready or draining; what is in flight; how its dependencies are.

`serve` turns it to draining, the outermost wrapper counts and answers from it, a check is whatever a function adds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum

import msgspec

Check = Callable[[], Awaitable[None]]  # returns when the dependency answers, raises otherwise

_PATIENCE = 1.0  # seconds that a check may take


class State(Enum):
    """Where a process is in its life; requests are served in all three, but only READY invites them."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Report(msgspec.Struct, frozen=True):
    """What `/health` answers, on the inside only."""

    state: str
    in_flight: int
    dependencies: dict[str, str]


class Health:
    """The state of one process; `in_flight` is added to in place.

    `checks` are asked by `report` alone: a dependency that is down drains nobody. `hears_who_leaves`: the server tells
    a call that its caller has gone when that is so, and never otherwise.
    """

    __slots__ = ("_ready", "checks", "failure", "hears_who_leaves", "in_flight", "state")

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self.state = State.STARTING
        self.in_flight = 0
        self.failure = ""  # why the start failed
        self.hears_who_leaves = False
        self.checks = dict(checks or {})
        self._ready: asyncio.Event | None = None

    def start(self) -> None:
        self.state = State.READY
        if self._ready is not None:
            self._ready.set()

    async def until_ready(self) -> None:
        """Returns once the application has started."""
        self._ready = asyncio.Event()
        if self.state is not State.READY:
            await self._ready.wait()

    def drain(self) -> None:
        self.state = State.DRAINING

    async def report(self) -> Report:
        """Asks every check, all at once."""
        answers = await asyncio.gather(*(_ask(check) for check in self.checks.values()))
        return Report(self.state.value, self.in_flight, dict(zip(self.checks, answers, strict=True)))


async def _ask(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), _PATIENCE)
    except Exception as error:  # noqa: BLE001  whatever a driver raises, the answer is that it is down and why
        return f"down: {type(error).__name__}"
    return "up"
