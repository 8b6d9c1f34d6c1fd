"""Every background loop, with whatever it asks raising: none ends, and each says so, and when it last worked.

A loop that is not here fails the last two tests: it belongs into `LOOPS`, and onto `runtime/serving/background.py`.
"""

import ast
import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from functions.gateway.instances.watch import Instances
from functions.gateway.live import Live
from functions.gateway.revocations import Revocations, following
from functions.gateway.stages.cache.follow import follow
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.forward.connection import Connection, Timeouts
from functions.gateway.stages.forward.pool import Pool
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict
from functions.gateway.stages.limit.fallback import Fallback
from functions.gateway.stages.limit.leases import Leases
from functions.gateway.stages.limit.memory import MemoryPermits
from functions.gateway.stages.limit.policy import Policies
from functions.users.keys import Keys, looking
from runtime.database.retention import purging
from runtime.identity.verifier import Verifier
from runtime.serving.background import beside, failures, last_worked
from runtime.serving.process import Lag
from tests.virtual import played

ROOT = Path(__file__).resolve().parents[2]

Ask = Callable[[], None]  # what a step asks: raises what the test wants it to
Running = AbstractAsyncContextManager[object]


def renewing(ask: Ask) -> Running:
    async def fetch() -> bytes:
        ask()
        return b'{"keys": [{"kid": "one"}]}'

    return beside(Verifier(fetch, issuer="portico", audience="portico").renewing())


def ending(ask: Ask) -> Running:
    async def feed(_since: int, _after: str) -> bytes:
        ask()
        return b'{"sessions": [], "since": 1, "lifetime": 900}'

    return following(feed, Revocations())


@asynccontextmanager
async def watching(ask: Ask) -> AsyncIterator[None]:
    async def source(_name: str) -> frozenset[str]:
        ask()
        return frozenset({"a:1"})

    instances = Instances(source, 1.0)
    await instances.watch("things")
    yield
    await instances.close()


def sweeping(ask: Ask) -> Running:
    leases = Leases(cast("Any", SimpleNamespace()), lambda: 1)
    leases.sweep = ask  # type: ignore[method-assign]  # whatever it meets there
    return beside(leases.sweeping())


class Store:
    """Where permits are shared: it is there, and raises what it is told to."""

    decisions: Mapping[tuple[str, ...], int] = {}

    def __init__(self, lost: Ask, back: Ask) -> None:
        self._lost, self._back = lost, back

    async def lost(self) -> bool:
        self._lost()
        return False

    async def meet(self, within: float) -> float:
        self._back()
        return within

    async def seed(self, debts: Mapping[str, int]) -> None:
        pass

    def forget(self) -> None:
        pass

    async def take(self, _asked: Policies, _keys: tuple[str, ...]) -> Verdict:
        return Admission(())

    def refusal(self, _asked: Policies, _keys: tuple[str, ...]) -> Refusal | None:
        return None


def fallback(lost: Ask, back: Ask) -> Fallback:
    store = Store(lost, back)
    return Fallback(store, store, MemoryPermits(), lambda: 1)


def looking_at_the_store(ask: Ask) -> Running:
    return beside(fallback(ask, lambda: None).watching())


@asynccontextmanager
async def coming_back(ask: Ask) -> AsyncIterator[None]:
    """It ends once it is back; and then has the store go once more."""
    permits = fallback(lambda: None, ask)

    async def again_and_again() -> None:
        while True:
            permits._leave()
            while permits.away:  # noqa: ASYNC110  it tells nobody that it is back but its operator
                await asyncio.sleep(0.05)

    async with beside(again_and_again()):
        yield
    await permits.close()


def hearing(ask: Ask) -> Running:
    async def read() -> list[bytes]:
        await asyncio.sleep(0.5)
        ask()
        return []

    return beside(follow(SimpleNamespace(read=read), Levels(1000), lambda _said: None))


@asynccontextmanager
async def letting_go(ask: Ask) -> AsyncIterator[None]:
    """It begins when something else is served, and ends once nothing of before is left."""

    async def nobody(*_: object) -> bool:
        return False

    def keep(*_: object) -> bool:
        ask()
        return False

    telemetry = cast("Any", SimpleNamespace(keep=keep, requests=lambda *_: None))
    parts = cast("Any", SimpleNamespace(telemetry=telemetry, trusted=None, upstreams={}, new_id=str))
    live = Live(cast("Any", SimpleNamespace(let_go=nobody, close=nobody)), telemetry, parts, lambda: b"", ())
    live._next = live._plan, live.edge.table
    live.take()
    yield
    await live.close()


def looking_for_keys(ask: Ask) -> Running:
    return beside(looking(cast("Keys", SimpleNamespace(look=ask))))


def purge(ask: Ask) -> Running:
    async def removed() -> int:
        ask()
        return 0

    return purging(removed)


@asynccontextmanager
async def lagging(ask: Ask) -> AsyncIterator[None]:
    lag = Lag(lambda _seconds: ask())
    lag.start()
    yield
    lag.stop()


@asynccontextmanager
async def expiring(ask: Ask) -> AsyncIterator[None]:
    """Connections that are always overdue, of which each sweep meets one that is broken first."""
    pool = Pool(
        "127.0.0.1:1",
        Timeouts(),
        idle_age=8.0,
        max_age=300.0,
        limit=9,
        clock=lambda: 1.0,
        waited=lambda _seconds: None,
        trust=lambda: cast("Any", None),
    )

    class Overdue:
        deadline = 0.0

        def expire(self) -> None:
            pool.admit(cast("Connection", Overdue()))
            ask()

    pool.admit(cast("Connection", Overdue()))
    yield
    pool._rest()


LOOPS: dict[str, Callable[[Ask], Running]] = {
    "keys": renewing,
    "ended-sessions": ending,
    "instances-things": watching,
    "leases": sweeping,
    "limits-store": looking_at_the_store,
    "limits-return": coming_back,
    "cache-invalidations": hearing,
    "letting-go": letting_go,
    "signing-keys": looking_for_keys,
    "purge": purge,
    "event-loop": lagging,
    "connections": expiring,
}


class Unspeakable(Exception):
    """Whoever shows it fails."""

    def __repr__(self) -> str:
        raise ValueError("no words")

    __str__ = __repr__


class Panic(BaseException):
    """As a library in another language raises it."""


FAILURES = [
    RuntimeError("ours"),
    OSError("theirs"),
    TypeError("unhashable type: 'list'"),
    RecursionError(),
    Unspeakable(),
    Panic(),
    SystemExit(1),
    asyncio.CancelledError(),
    BaseExceptionGroup("several", [Panic()]),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("name", LOOPS)
def test_no_exception_ends_a_loop_and_each_says_when_it_last_worked(name: str, failure: BaseException) -> None:
    async def play(_clock: Callable[[], float]) -> tuple[float, float]:
        """How often it failed, and when it last worked."""
        before, asked, done = failures().get((name,), 0), 0, asyncio.Event()

        def ask() -> None:
            nonlocal asked
            asked += 1
            if asked > 8:
                done.set()
            if asked in (2, 3, 4, 6):
                raise failure

        async with LOOPS[name](ask):
            async with asyncio.timeout(36_000):
                await done.wait()
            for _ in range(3):  # the loop's turn, to note that this one worked
                await asyncio.sleep(0)
            return failures().get((name,), 4) - before, last_worked().get((name,), time.time())

    began = time.time()
    with capture_logs() as logged:
        failed, worked = played(play)
    assert failed >= 4 or name == "limits-return"  # which is shown while it is away
    assert worked >= began
    assert 0 < len([line for line in logged if line["log_level"] == "warning"]) <= 2 or name == "cache-invalidations"


# Who has a task or a timer of its own, and why that is no loop.
ALONE = {
    "functions/gateway/inbound.py": "listens for one request",
    "functions/gateway/live.py": "begins `letting-go`",
    "functions/gateway/redis/conversation.py": "sends what waits, and ends when nothing does",
    "functions/gateway/redis/patience.py": "bounds one wait",
    "functions/gateway/redis/sentinel.py": "asks once",
    "functions/gateway/stages/breaker/turn.py": "bounds one wait",
    "functions/gateway/stages/cache/fill.py": "bounds one wait",
    "functions/gateway/stages/cache/fills.py": "one question, which settles whatever comes",
    "functions/gateway/stages/cache/levels.py": "tells once",
    "functions/gateway/stages/forward/connection.py": "sends one body",
    "functions/gateway/stages/limit/fallback.py": "begins `limits-return`",
    "functions/gateway/stages/shed/gate.py": "bounds one wait",
    "functions/gateway/stages/swap/tokens.py": "asks once",
    "runtime/serving/cancellation.py": "watches one call",
    "runtime/serving/background.py": "the mechanism",
    "runtime/serving/serve.py": "waits for the signal, and the server",
    "runtime/serving/timers.py": "rings for each who waits, whatever the others raise",
}
BEGIN = {"create_task", "ensure_future", "call_later", "call_at", "call_soon", "run_in_executor", "Thread", "Timer"}
IN_A_THREAD = {"runtime/database/worker.py", "functions/users/passwords.py"}  # one call each, that somebody awaits


def begun(source: Path) -> set[str]:
    """What it calls that goes on beside it."""
    calls = [node.func for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    return names & BEGIN


def test_whoever_does_something_in_the_background_is_known() -> None:
    found = {
        os.fspath(source.relative_to(ROOT))
        for part in ("runtime", "functions")
        for source in (ROOT / part).rglob("*.py")
        if begun(source)
    }
    assert found - IN_A_THREAD == set(ALONE)


def loops() -> Sequence[str]:
    """The names that the sources give to loops."""
    names: list[str] = []
    for source in [*(ROOT / "runtime").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text())):
            called = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and called in {"again", "until_done", "Beat"}:
                names.append(str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else "instances-things")
    return names


def test_something_is_thrown_at_every_loop() -> None:
    assert sorted(loops()) == sorted(LOOPS)
