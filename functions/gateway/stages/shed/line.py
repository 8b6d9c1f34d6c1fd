"""Who waits for a place: those who said who they are before those who did not, and first come, first served.

It knows no request and no clock, and never waits itself: whoever stands here is anything that can be told.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """A line in two parts. `len` is how many stand in both; whatever its length, each call costs the same."""

    __slots__ = ("_anonymous", "_known")

    def __init__(self) -> None:
        self._known: OrderedDict[T, None] = OrderedDict()
        self._anonymous: OrderedDict[T, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known) + len(self._anonymous)

    def join(self, who: T, most: int, *, known: bool) -> T | None:
        """Puts `who` in line. Returns who has to go when more than `most` would stand in it.

        That is `who`; or the last anonymous one, when `who` is known.
        """
        if len(self) < most:
            (self._known if known else self._anonymous)[who] = None
            return None
        if not known or not self._anonymous:
            return who
        self._known[who] = None
        return self._anonymous.popitem()[0]

    def next(self) -> T | None:
        """Whose turn it is; they have left the line."""
        part = self._known or self._anonymous
        return part.popitem(last=False)[0] if part else None

    def leave(self, who: T) -> None:
        """`who` waits no longer; harmless when they do not stand in it."""
        self._known.pop(who, None)
        self._anonymous.pop(who, None)
