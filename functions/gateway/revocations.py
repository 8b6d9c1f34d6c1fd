"""Sessions whose tokens are refused before they expire: a log-out, a new role or a removed account takes effect here.

In: the feed that a function's manifest names as `ended_sessions`, asked every INTERVAL. Out: a set that authenticate
looks into. The function keeps what ended in its database, and the first answer covers the longest life of a token, so
no gateway misses an end, whether it was cut off or restarted. Functions do not ask: they are reached only through here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec

from runtime.serving.background import Sleep, again, beside
from runtime.telemetry import log

INTERVAL = 2.0  # seconds between two questions; with their deadline an end is known within 5 s
RETRY = 0.5  # seconds after a question that failed

_MARGIN = 30.0  # seconds that clocks may differ, or a token may be issued later than its session's end was told

Ask = Callable[[int], Awaitable[bytes]]  # what ended since a moment of the feed's clock; raises Problem

logger = log.get(__name__)


_Exact = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]  # what the clocks here can count, and a feed may be asked for


class Ended(msgspec.Struct, frozen=True):
    """What the feed says: ids of sessions, what to ask for next, and for how many seconds a token may live."""

    sessions: list[str]
    since: _Exact
    lifetime: _Exact


class Revocations:
    """The ids of ended sessions, each kept until its last token has expired. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}  # in the order they were heard of, which is that of their times

    def __contains__(self, session: object) -> bool:
        return session in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, sessions: Iterable[str], lifetime: float) -> None:
        """Takes up `sessions`, whose tokens live for at most `lifetime` seconds, and drops those that are past."""
        now = self._clock()
        for session in sessions:
            self._until.setdefault(session, now + lifetime + _MARGIN)
        while self._until and self._until[first := next(iter(self._until))] <= now:
            del self._until[first]


@asynccontextmanager
async def following(ask: Ask, ended: Revocations, *, sleep: Sleep = asyncio.sleep) -> AsyncIterator[None]:
    """Keeps `ended` up to date for the length of the block; it has been asked for once when the block begins.

    Fails static: while the feed is away, what is known stays refused, and a session that ends meanwhile is let in until
    the feed answers or its token expires (15 minutes by default). The function itself refuses it at once.
    """
    feed = _Feed(ask, ended)
    answered = await feed.poll()
    async with beside(again("ended-sessions", feed.poll, _pause, sleep=sleep, worked=answered)):
        yield


def _pause(answered: bool) -> float:  # noqa: FBT001  see Pause
    return INTERVAL if answered else RETRY


class _Feed:
    """Where one feed has been read to; `since` stays when an answer is lost, so that nothing is left out."""

    def __init__(self, ask: Ask, ended: Revocations) -> None:
        self._ask = ask
        self._ended = ended
        self._since = 0
        self._answers = True

    async def poll(self) -> bool:
        """Whether there was an answer."""
        try:
            told = msgspec.json.decode(await self._ask(self._since), type=Ended)
            self._ended.add(told.sessions, told.lifetime)
        except Exception as error:  # noqa: BLE001  whatever it is, asking goes on: nobody else would
            self._note(answers=False, why=repr(error))
            return False
        self._since = told.since
        self._note(answers=True)
        return True

    def _note(self, *, answers: bool, **said: str) -> None:
        if answers is not self._answers:
            self._answers = answers
            tell = logger.info if answers else logger.warning
            tell("ended sessions are told again" if answers else "no word of ended sessions", **said)
