"""Sessions whose tokens are refused before they expire: a log-out, a new role or a removed account takes effect here.

In: the feed that a function's manifest names as `ended_sessions`, asked every INTERVAL, page by page. Out: a set that
authenticate looks into. The function keeps what ended in its database, and the first answer covers the longest life of
a token, so no gateway misses an end, whether it was cut off or restarted, and however many end at once. Functions do
not ask: they are reached only through here.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec

from runtime.serving.background import Sleep, again, beside
from runtime.telemetry import log

INTERVAL = 2.0  # seconds between two questions; with their deadline an end is known within 5 s
RETRY = 0.5  # seconds after a question that failed

MOST = 1_000_000  # sessions that are remembered, in 200 MB: those that end later are told again until there is room
LARGEST = 4 * 1024**2  # bytes of a page, which is read while nobody is served
AT_ONCE = 10_000  # that are let go at once, as nobody is served meanwhile: more than a page has
PAGES = 1000  # of one round: what has more has no end

_MARGIN = 30.0  # seconds that clocks may differ, or a token may be issued later than its session's end was told

# What ended since a moment of the feed's clock, behind the session that was told last ("": none). Raises Problem.
Ask = Callable[[int, str], Awaitable[bytes]]

logger = log.get(__name__)


_Exact = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]  # what the clocks here can count, and a feed may be asked for
_Id = Annotated[str, msgspec.Meta(max_length=255)]


class Ended(msgspec.Struct, frozen=True):
    """What the feed says: ids of sessions, what to ask for next, and for how many seconds a token may live.

    `after`: behind which session there are more; "" on the last page.
    """

    sessions: list[_Id]
    since: _Exact
    lifetime: _Exact
    after: _Id = ""


class Revocations:
    """The ids of ended sessions, each kept until its last token has expired. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        # In the order they were heard of, which is that of their times. An ordinary dict looks for its first entry past
        # all that went before it: letting 80,000 go took 5 s, and 450,000 minutes, in which nobody was served.
        self._until: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, session: object) -> bool:
        return session in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, sessions: Iterable[str], lifetime: float) -> None:
        """Drops some of those that are past, and takes up `sessions`, whose tokens live for at most `lifetime` seconds.

        Raises OverflowError where there is no room for one.
        """
        now = self._clock()
        for _ in range(AT_ONCE):
            if not self._until or self._until[next(iter(self._until))] > now:
                break
            self._until.popitem(last=False)
        for session in sessions:
            if len(self._until) >= self._most and session not in self._until:
                raise OverflowError(f"more than {self._most} sessions have ended")
            self._until.setdefault(session, now + lifetime + _MARGIN)


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
            self._since = await self._pages()
        except Exception as error:  # noqa: BLE001  whatever it is, asking goes on: nobody else would
            self._note(answers=False, why=repr(error))
            return False
        self._note(answers=True)
        return True

    async def _pages(self) -> int:
        """What to ask for next time: what the first page said, as what ended since then may be on none of them."""
        told = first = await self._page("")
        for _ in range(PAGES):
            if not told.after:
                return first.since
            told = await self._page(told.after)
        raise ValueError(f"more than {PAGES} pages")

    async def _page(self, after: str) -> Ended:
        answer = await self._ask(self._since, after)
        if len(answer) > LARGEST:
            raise ValueError(f"a page of {len(answer)} bytes")
        told = msgspec.json.decode(answer, type=Ended)
        self._ended.add(told.sessions, told.lifetime)
        return told

    def _note(self, *, answers: bool, **said: str) -> None:
        if answers is not self._answers:
            self._answers = answers
            tell = logger.info if answers else logger.warning
            tell("ended sessions are told again" if answers else "no word of ended sessions", **said)
