"""Who waits for a place: those who said who they are before those who did not, and first come, first served.

It knows no request and no clock, and never waits itself: whoever stands here is anything that can be told.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """A line in two parts. `len` is how many stand in both."""

    __slots__ = ("_anonymous", "_known")

    def __init__(self) -> None:
        self._known: deque[T] = deque()
        self._anonymous: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._known) + len(self._anonymous)

    def join(self, who: T, most: int, *, known: bool) -> T | None:
        """Puts `who` in line. Returns who has to go when more than `most` would stand in it.

        That is `who`; or the last anonymous one, when `who` is known.
        """
        if len(self) < most:
            (self._known if known else self._anonymous).append(who)
            return None
        if not known or not self._anonymous:
            return who
        self._known.append(who)
        return self._anonymous.pop()

    def next(self) -> T | None:
        """Whose turn it is; they have left the line."""
        if self._known:
            return self._known.popleft()
        return self._anonymous.popleft() if self._anonymous else None

    def leave(self, who: T) -> None:
        """`who` waits no longer; harmless when they do not stand in it."""
        for part in (self._known, self._anonymous):
            if who in part:
                part.remove(who)
