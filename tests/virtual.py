"""Time that passes only when nothing else is to be done: a minute of waiting takes as long as the work in it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """Where a loop would wait for its next timer, that time has passed at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(None if timeout is None else 0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Leaping) -> None:
        super().__init__(selector)
        self._leaping = selector

    def time(self) -> float:
        return self._leaping.now


def played(play: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """What `play` returns; it is given the clock that its loop goes by, in seconds."""
    selector = _Leaping()
    with asyncio.Runner(loop_factory=lambda: _Loop(selector)) as runner:
        return runner.run(play(lambda: selector.now))
