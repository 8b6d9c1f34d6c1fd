"""The time that is left for a request, carried across hops as whole milliseconds in `X-Deadline-Ms`.

The gateway sets it; a function reads it once, at its outermost layer, and everything below asks `remaining()`.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil

HEADER = b"x-deadline-ms"

Clock = Callable[[], float]

_COARSE = 0.005  # seconds that a timer of the event loop may be early by this clock


@dataclass(slots=True)  # freezing one triples the price of making it
class Deadline:
    """A moment on the monotonic clock, in seconds, after which nobody waits for the answer."""

    at: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> "Deadline":
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds that are left, never below zero."""
        return max(0.0, self.at - self.clock())

    @property
    def over(self) -> bool:
        """Whether it has passed, as the timer sees it that ends what is late."""
        return self.remaining() < _COARSE

    def header(self) -> tuple[bytes, bytes]:
        """The header for the next hop; rounded up, so that the hop that set it is late first."""
        return HEADER, b"%d" % ceil(self.remaining() * 1000)


current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def remaining() -> float | None:
    """Seconds that are left for the request being served; None outside of one, or when it has no deadline."""
    deadline = current.get()
    return None if deadline is None else deadline.remaining()


def parse(value: bytes, clock: Clock = time.monotonic) -> Deadline | None:
    """The deadline that a hop before us set; None when the header is not a whole number of milliseconds."""
    return Deadline.after(int(value) / 1000, clock) if value.isdigit() and len(value) < 10 else None
