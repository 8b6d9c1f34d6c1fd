"""Identifiers that sort by the time of their making: UUID version 7, RFC 9562, section 5.7, as canonical text.

Within a process each is greater than the one before, also within a millisecond or when the clock steps back: `rand_a`
is a counter that, when full, borrows from the next millisecond (section 6.2, method 1). The other 62 bits are random.
"""

import secrets
import threading
from collections.abc import Callable
from uuid import UUID

from runtime.instant import now_ms

Random = Callable[[int], int]  # bits -> a whole number of that many random bits

_COUNTER_BITS = 12
_RANDOM_BITS = 62
_VERSION = 0x7
_VARIANT = 0b10


class Generator:
    """Makes increasing ids. Each new millisecond starts its counter in the lower half, to leave room to count."""

    def __init__(self, clock: Callable[[], int] = now_ms, random: Random = secrets.randbits) -> None:
        self._clock = clock
        self._random = random
        self._last = 0  # the millisecond and the counter of the newest id, as one number
        self._turn = threading.Lock()

    def __call__(self) -> str:
        with self._turn:
            fresh = self._clock() << _COUNTER_BITS | self._random(_COUNTER_BITS - 1)
            newest = self._last >> _COUNTER_BITS
            self._last = fresh if fresh >> _COUNTER_BITS > newest else self._last + 1
            return _text(self._last, self._random(_RANDOM_BITS))


def _text(instant_and_counter: int, random: int) -> str:
    milliseconds, counter = divmod(instant_and_counter, 1 << _COUNTER_BITS)
    return str(UUID(int=milliseconds << 80 | _VERSION << 76 | counter << 64 | _VARIANT << 62 | random))


uuid7 = Generator()
