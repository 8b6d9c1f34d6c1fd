"""What API keys are worth now: for each that was asked for, an access token of its owner, or that there is no such key.

In: keys, and whom to ask. Out: tokens. Both kinds of answers are kept, each bounded in number and in time, and apart:
however many keys are made up, none that is good is forgotten for them. Who wants the same key waits for one question.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec

from runtime.http.problem import MISBEHAVED, Problem
from runtime.identity.verifier import invalid
from runtime.telemetry import log

V = TypeVar("V")
Ask = Callable[[str], Awaitable[bytes | None]]  # what `Swapped` reads; None: there is no such key. Raises Problem

REFUSED = 10.0  # seconds that a key which is none is not asked for again
MARGIN = 30.0  # seconds before its end that a token is given out last: longer than a request may take

_MOST = 10_000  # keys of each kind
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")  # what is longer, or of other characters, is none, and is not kept

tell_broken = log.Sparing(log.get(__name__).warning)


class Swapped(msgspec.Struct, frozen=True):
    """A token, which goes into a field and is kept, and for how many seconds it is good."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,4096}\Z")]
    expires_in: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Tokens:
    """Tokens by the key that they were given for; `clock` is in seconds."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._good: OrderedDict[str, tuple[str, float]] = OrderedDict()  # the token, and until when it is given
        self._bad: OrderedDict[str, float] = OrderedDict()  # until when it is not asked for
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    def known(self, key: str) -> str | None:
        """The token for `key` that is here. Raises Refused for what is no key, or was none a moment ago."""
        if not _KEY.fullmatch(key) or self._bad.get(key, 0.0) > self._clock():
            raise _unknown()
        token, until = self._good.get(key, ("", 0.0))
        return token if until > self._clock() else None

    async def fetch(self, key: str) -> str:
        """A new token for `key`. Raises Refused where there is no such key, and Problem where that can't be told."""
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._swap(key))
            task.add_done_callback(lambda done: self._asked(key, done))
        try:
            token = await asyncio.shield(task)
        except Problem as problem:  # others wait for the same one, and each answer is written on
            raise Problem(problem.kind, problem.detail, retry_after=problem.retry_after) from problem
        if token is None:
            raise _unknown()
        return token

    def forget(self, key: str) -> None:
        """Its token is good for nothing any more."""
        self._good.pop(key, None)

    async def close(self) -> None:
        """Asks no further."""
        for task in self._asking.values():
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking.values())

    async def _swap(self, key: str) -> str | None:
        answer = await self._ask(key)
        if answer is None:
            _keep(self._bad, key, self._clock() + REFUSED)
            return None
        try:
            swapped = msgspec.json.decode(answer, type=Swapped)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            tell_broken("no token in the answer for an API key", why=_why(error))
            raise Problem(MISBEHAVED) from None
        _keep(self._good, key, (swapped.access_token, self._clock() + swapped.expires_in - MARGIN))
        return swapped.access_token

    def _asked(self, key: str, done: "asyncio.Task[str | None]") -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # who waited for it has it; perhaps nobody does any more


def _keep(among: OrderedDict[str, V], key: str, value: V) -> None:
    """The oldest goes where there is no room."""
    among[key] = value
    among.move_to_end(key)
    if len(among) > _MOST:
        among.popitem(last=False)


def _why(error: Exception) -> str:
    """What is wrong with an answer, and nothing of what is in it."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"


def _unknown() -> Problem:
    return invalid("no such API key, or it has ended")
