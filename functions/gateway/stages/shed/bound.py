"""How much may be in flight to a function, found out from how long it takes: the pure part, without clock or waiting.

Little's law: what is in flight beyond what a function can work at is a queue inside it, and shows as time. So every 32
answers the bound is set anew: `gradient` is how long answers usually take by how long these took. Below 1, a queue is
growing in there, and the bound shrinks with it; at 1, and with at least half of the bound in use, it grows by its
square root. Source: Netflix, concurrency-limits, Gradient2 (averages instead of a minimum, no growth while the bound is
not used, a long average that gives way when times have halved), with four changes:

- "Usual" is learnt only where there can be no queue: while less than half of the bound is in use, or the bound is at
  its least. Gradient2 learns it always: under an overload that stays, it takes the queue for usual and grows on (in
  test_bound.py's queue, from 47 to 602 places and from 10 to 100 ms within 1,000 answers; here to 53, and 18 ms).
- Time is measured against the usual time of the same route. One average for a function takes a rush on its slow route
  (a login hashes for 50 ms) for a queue, and sheds everybody else's 2 ms reads for it.
- One answer counts as at most 8 times the usual, and half as long again is no queue: on a busy machine single answers
  are late for reasons of their own. A request that ran into its deadline is an answer that took that long.
- Growing is not smoothed: a function that hung comes back from 16 to 200 within some hundred answers.

It is better than a fixed number, which is wrong after each deploy, and than one that measures its minimum by emptying
the function now and then (Envoy, adaptive concurrency), which costs requests to find out that all is well. A function
that has really become slower is found out the same way, but only then: its bound falls to the least, and learns there.
"""

from dataclasses import dataclass
from math import sqrt
from weakref import WeakValueDictionary

WINDOW = 32  # answers from one setting of the bound to the next
_FIRST = 4 * WINDOW  # answers of a route that are taken for usual, whatever is in flight
_LONG = 600  # answers that "usual" averages over
_LATEST = 8.0  # an answer counts as at most so many times the usual
_TOLERATED = 1.5  # so much longer than usual is no sign of a queue
_SMOOTHING = 0.2  # how much of a shrinking takes effect at once


@dataclass(frozen=True, slots=True)
class Range:
    """Requests in flight to a function from one gateway: what it begins with, and between what it moves."""

    least: int = 16
    start: int = 200
    most: int = 1000


class Pace:
    """How long one route usually takes, in seconds; 0.0 before its first answer."""

    __slots__ = ("__weakref__", "answers", "usual")

    def __init__(self) -> None:
        self.usual = 0.0
        self.answers = 0


class Bound:
    """`limit`: what may be in flight; `in_flight`: what is, added to in place by whoever enters and leaves."""

    __slots__ = ("_answers", "_exact", "_paces", "_range", "_slowness", "in_flight", "limit")

    def __init__(self, within: Range) -> None:
        self.limit = min(within.start, within.most)
        self.in_flight = 0
        self._exact = float(self.limit)
        self._range = within
        self._paces: WeakValueDictionary[str, Pace] = WeakValueDictionary()
        self._answers = 0
        self._slowness = 0.0

    def pace(self, route: str) -> Pace:
        """That of a route: the same one whenever it is built anew, for as long as anybody uses it."""
        return self._paces.setdefault(route, Pace())

    def answered(self, pace: Pace, seconds: float) -> None:
        """An answer took `seconds` to its head."""
        usual = pace.usual or seconds
        counted = min(seconds, usual * _LATEST)
        self._slowness += counted / usual if usual else 1.0
        if self.in_flight * 2 < self.limit or self.limit <= self._range.least or pace.answers < _FIRST:
            if pace.answers < _LONG:
                pace.answers += 1
            pace.usual = usual + (counted - usual) / pace.answers
        self._answers += 1
        if self._answers == WINDOW:
            self._set()

    def _set(self) -> None:
        slowness, self._slowness, self._answers = self._slowness / WINDOW, 0.0, 0
        if slowness < 0.5:
            for pace in self._paces.values():
                pace.usual *= 0.9
        if self.in_flight * 2 < self.limit:
            return  # nothing is to be learnt of a bound that nobody comes near
        gradient = max(0.5, _TOLERATED / max(_TOLERATED, slowness))
        change = sqrt(self._exact) if gradient == 1.0 else -self._exact * (1 - gradient) * _SMOOTHING
        self._exact = min(self._range.most, max(self._range.least, self._exact + change))
        self.limit = int(self._exact)
