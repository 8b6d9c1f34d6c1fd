"""One instance's circuit: may it be asked now, given what came of asking it before?

It knows no instance, no request and no clock: moments are seconds of the caller's. A closed circuit opens after so many
failures in a row, or in its last 32 answers; an open one waits, longer each time it opens again; a half-open one lets a
few probes through, closes when they all succeed, and opens with the first that fails.

Whoever gives a bad answer is there all the same, and may be well but for one path: only a row of connections that were
never made says that nobody is (`away`), and no client can make that row.

A verdict counts only in the period (generation) in which its request began: what a slow request says about an instance
of two states ago is no news. Sources: Nygard, Release It! (2nd edition), section 5.2; the window as a ring of bits is
resilience4j's, the generation gobreaker's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import ceil

Jitter = Callable[[], float]  # 0.0 to below 1.0

WINDOW = 32  # answers that are remembered; those that have not come yet count as good
PROBES = 3  # that a half-open circuit lets through at once, and that must succeed for it to close
_ALL = (1 << WINDOW) - 1
_EVERY_OTHER = 0x55555555 << 1  # as many bits as the window has, every other one set, and not the newest


class State(Enum):
    """What a circuit is: as an electrician has it, current flows when it is closed."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a circuit opens: after `consecutive` failures, or when `ratio` of the window are failures.

    `open` and `longest`: seconds that it stays open, the first time and at most.
    """

    consecutive: int = 5
    ratio: float = 0.4
    open: float = 0.5
    longest: float = 3.0


class Circuit:
    """`changed` is told of each change of `state`."""

    __slots__ = (
        "_changed",
        "_jitter",
        "_most",
        "_openings",
        "_passed",
        "_probing",
        "_row",
        "_rules",
        "_unreached",
        "away",
        "generation",
        "history",
        "opened",
        "state",
        "until",
    )

    def __init__(self, rules: Rules, jitter: Jitter, changed: Callable[["Circuit"], None]) -> None:
        self.state = State.CLOSED
        self.generation = 0
        self.history = 0  # a bit for each answer, the newest lowest; 1 is a failure
        self.opened = 0.0  # when it last left CLOSED
        self.until = 0.0  # when an open one may be asked again
        self.away = False  # of one that is not closed: nobody is there
        self._rules = rules
        self._jitter = jitter
        self._changed = changed
        self._row = (1 << rules.consecutive) - 1
        self._most = ceil(rules.ratio * WINDOW)
        self._openings = 0  # since it was last forgiven
        self._probing = self._passed = self._unreached = 0

    def lets(self, now: float) -> bool:
        """Whether a request may go to the instance."""
        if self.state is State.HALF_OPEN:
            return self._probing < PROBES
        return self.state is State.CLOSED or now >= self.until

    def enter(self, now: float) -> int:
        """A request goes to the instance. Returns the generation that its verdict will be for."""
        if self.state is State.OPEN and now >= self.until:
            self._probing = self._passed = 0
            self._turn(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            self._probing += 1
        return self.generation

    def succeeded(self, generation: int) -> None:
        """The instance answered. Nothing is lost by not saying so while the circuit is closed and without `history`."""
        if generation != self.generation:
            return
        self._unreached = 0
        if self.state is State.HALF_OPEN:
            self._pass()
        elif self.state is State.CLOSED:
            self.history = self.history << 1 & _ALL
            if not self.history:
                self._openings = 0

    def failed(self, generation: int, now: float, *, reached: bool = False) -> None:
        """The instance gave no answer, or one that counts as a failure; `reached`: but a connection was made."""
        if generation != self.generation:
            return
        self._unreached = 0 if reached else self._unreached + 1
        self.away = self._unreached >= self._rules.consecutive or (self.away and not reached)
        if self.state is State.HALF_OPEN:
            self._open(now)
        elif self.state is State.CLOSED:
            self.history = (self.history << 1 | 1) & _ALL
            if self.history & self._row == self._row or self.history.bit_count() >= self._most:
                self.opened = now
                self._open(now)

    def reached(self) -> None:
        """A connection was made: whatever will be answered over it, somebody is there."""
        self._unreached = 0
        self.away = False

    def abandoned(self, generation: int) -> None:
        """Nobody waited for the answer, so it says nothing; a probe gives back its place."""
        if generation == self.generation and self.state is State.HALF_OPEN:
            self._probing -= 1

    def forget(self) -> None:
        """The instance left: verdicts that are still to come are for nobody."""
        self.generation += 1

    def _pass(self) -> None:
        """Closes after the last probe, on trust: half of the failures that would open it stand, until outlived."""
        self._probing -= 1
        self._passed += 1
        if self._passed >= PROBES:
            self.history = _EVERY_OTHER & ((1 << self._most // 2 * 2) - 1)
            self.away = False
            self._turn(State.CLOSED)

    def _open(self, now: float) -> None:
        """For twice as long as the last time, less up to a quarter: gateways should not come back all at once."""
        seconds = min(self._rules.longest, self._rules.open * 2**self._openings)
        self.until = now + seconds * (1 - self._jitter() / 4)
        self._openings = min(self._openings + 1, WINDOW)
        self._turn(State.OPEN)

    def _turn(self, state: State) -> None:
        self.state = state
        self.generation += 1
        self._changed(self)
