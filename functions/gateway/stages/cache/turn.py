"""Whose turn it is to ask the function, among gateways: one of them, as far as they can agree quickly.

In: what a fill is about. Out: what another gateway has brought meanwhile, or that it is this one's to ask. Best effort:
a gateway that died keeps its turn for a moment, and nobody waits for longer than a second, nor half a deadline.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.decision import Forward, Reuse, on_request
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.fills import Name
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.levels import Began, Levels

_LONGEST = 1.0  # seconds of waiting
_FIRST, _BETWEEN = 0.005, 0.05  # seconds before the first look, and at most between two


def patience(deadline: float) -> float:
    """For how many seconds a request waits for somebody who asks the same, and what comes of it."""
    return min(_LONGEST, deadline / 2)


class Question(NamedTuple):
    """What a fill is to find out of a target, and since when; without a name it is nobody else's question."""

    asked: Asked
    key: Key
    name: Name | None
    decided: Forward
    began: Began


class Turn:
    """One fill's; `deadline` in seconds. `began` moves on with every look at level two."""

    def __init__(self, levels: Levels, question: Question, deadline: float, clock: Callable[[], float]) -> None:
        self._levels = levels
        self._question = question
        self._claim = None if question.name is None else b"\n".join(question.name)
        self._deadline = deadline
        self._clock = clock
        self._mine = False
        self.began = question.began

    async def elsewhere(self) -> Stored | None:
        """Waits for who asks already; what came of it, None when it is this one's turn."""
        if self._levels.far is None:
            return None
        if not self.began.there and (brought := await self._look()) is not None:
            return brought
        if self._claim is None or not self.began.there:
            return None
        waited, pause = 0.0, _FIRST
        while not await self._claimed():
            if waited >= patience(self._deadline):
                return None
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, _BETWEEN)
            if (brought := await self._look()) is not None:
                return brought
        return None

    def over(self, _end: object) -> None:
        """The question has been answered, or won't be."""
        if self._mine and self._claim is not None and self._levels.far is not None:
            self._levels.far.release(self._claim)

    async def _claimed(self) -> bool:
        far = self._levels.far
        assert far is not None
        assert self._claim is not None
        self._mine = True  # also where this ends before the reply comes; who never had it releases nothing
        self._mine = self._levels.alone or await far.claim(self._claim, self._deadline)
        return self._mine

    async def _look(self) -> Stored | None:
        """What is there now, if that answers the request."""
        held, self.began, _ = await self._levels.recall(self._question.key)
        decided = on_request(self._question.asked, held, self._clock())
        return decided.stored if isinstance(decided, Reuse) and not decided.behind else None
