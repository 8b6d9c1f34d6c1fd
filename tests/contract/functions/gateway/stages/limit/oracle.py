"""What a limit allows, counted from outside: whatever was admitted, and when, over every window that there is.

It knows no bucket and no lease. Times are microseconds.
"""

from functions.gateway.stages.limit.policy import interval
from runtime.units import Limit
from tests.invariants import holds

NEVER_MORE = "never more than the limit"


class Windows:
    """What was admitted, `burst` and what refills in it at most in any window.

    With n admitted before the moment t, a window from any earlier t' holds n - n' + permits; so all windows are looked
    at by keeping the one moment from which on the fewest would have been left.
    """

    def __init__(self, limit: Limit) -> None:
        self._pace = interval(limit)
        self._burst = limit.burst
        self._lowest: int | None = None  # of n times the pace, less t
        self.admitted = 0

    def left(self, now: int) -> int:
        """How many more every window up to `now` has room for."""
        at_once = self.admitted * self._pace - now
        worst = at_once if self._lowest is None else min(self._lowest, at_once)
        return self._burst - -(-(at_once - worst) // self._pace)

    def take(self, now: int, permits: int) -> None:
        """So many are admitted. Raises Broken where a window has no room for them."""
        left = self.left(now)
        holds(NEVER_MORE, permits <= left, f"{permits} of {left}")
        if permits:
            at_once = self.admitted * self._pace - now
            self._lowest = at_once if self._lowest is None else min(self._lowest, at_once)
            self.admitted += permits
