"""Where permits come from, for whoever asks: what every store of buckets promises, and how it says that it can't.

MemoryPermits keep the promise for one process, Leases for all instances together, Fallback for both. Leases get theirs
from a Lender, which is Redis.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Refusal, Verdict
from functions.gateway.stages.limit.desk import Ask, Loan
from functions.gateway.stages.limit.policy import Policies


class Permits(Protocol):
    """Buckets by key."""

    async def take(self, policies: Policies, keys: tuple[str, ...]) -> Verdict:
        """A permit from the bucket of each policy, by `keys` in the same order, or from none. Raises Unavailable."""

    def refusal(self, policies: Policies, keys: tuple[str, ...]) -> Refusal | None:
        """What `take` would refuse with, if that is known here and now. Takes nothing."""


class Lender(Protocol):
    """Buckets that all instances share."""

    def ask(
        self,
        policies: Policies,
        keys: tuple[str, ...],
        make: Callable[[], Ask | None],
        settle: Callable[[Loan | Unavailable], None],
    ) -> None:
        """Puts a question; `make` gives it at the moment when it leaves (None: not any more), `settle` gets the answer.

        Neither waits or raises. Nothing leaves between the arrival of an answer and the end of its `settle`.
        """

    async def seed(self, debts: Mapping[str, int]) -> None:
        """Takes over what was counted elsewhere: microseconds until each bucket is full. Raises Unavailable."""
