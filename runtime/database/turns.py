"""Things that one at a time may have, and the line before them: who comes first is served first.

What is given back goes to who has waited longest, or on top of what is free: what was used last is warm. Of one event
loop; it knows nothing of what it hands out.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """`things`, all of them free."""

    def __init__(self, things: Iterable[T]) -> None:
        self.free = list(things)
        self._waiting: deque[asyncio.Future[T]] = deque()

    def now(self) -> T | None:
        """One that is free; nobody waits as long as there is one."""
        return self.free.pop() if self.free else None

    async def wait(self) -> T:
        """One, when it is free. Who is cancelled keeps none."""
        if (free := self.now()) is not None:
            return free
        turn: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def give(self, thing: T) -> None:
        """Gives one back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(thing)
                return
        self.free.append(thing)

    def _leave(self, turn: "asyncio.Future[T]") -> None:
        """One whose turn had come as it was cancelled passes it on."""
        if turn.done() and not turn.cancelled():
            self.give(turn.result())
        with suppress(ValueError):
            self._waiting.remove(turn)
