"""The retry budget of a function: how many further tries may be under way, given how many requests are.

Retries are a loan from the instances: while few requests fail they cost little, and when all fail they double the load
that the function fails under. So at most a fifth as many may be under way as there are first tries, or three where
there are hardly any. Source: Envoy, `retry_budget` (`budget_percent` 20 %, `min_retry_concurrency` 3). It counts tries,
not pauses: who waits for its turn loads nobody. Nor does who is sent on because an instance died: that load was there.
"""

SHARE = 0.2  # of the first tries that are under way
FLOOR = 3


class Budget:
    """`live`: requests under way, added to in place; `retrying`: those of them that are at a further try."""

    __slots__ = ("live", "retrying")

    def __init__(self) -> None:
        self.live = 0
        self.retrying = 0

    def spend(self) -> bool:
        """Whether one more try may begin; if so, `give_back` when it has ended."""
        if self.retrying >= max(FLOOR, SHARE * (self.live - self.retrying)):
            return False
        self.retrying += 1
        return True

    def give_back(self) -> None:
        """A further try has ended."""
        self.retrying -= 1
