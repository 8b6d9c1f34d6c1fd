"""What a client is told of its limits: the RateLimit fields of draft-ietf-httpapi-ratelimit-headers.

In: named limits and states of buckets. Out: header lines, as CONTRACT.md shows. What never changes is encoded once.
"""

from collections.abc import Sequence
from math import ceil

from functions.gateway.exchange import Header
from functions.gateway.stages.limit.bucket import State
from runtime.units import Limit


class Fields:
    """The fields of one route's named policies: both are lists, with a member for each."""

    def __init__(self, names: Sequence[str], limits: Sequence[Limit]) -> None:
        said = [f'"{name}";q={limit.count};w={limit.period}' for name, limit in zip(names, limits, strict=True)]
        self._policy = (b"ratelimit-policy", ", ".join(said).encode())
        self._state = ", ".join(f'"{name}";r=%d;t=%d' for name in names).encode()

    def of(self, states: Sequence[State]) -> tuple[Header, ...]:
        """`q` and `w` (seconds) as the manifest says, `r` what may come at once, `t` whole seconds to the next permit.

        `t` is rounded up, so that waiting that long is always enough; 0 says that the bucket is full. Nothing is said
        where nobody decided.
        """
        if not states:
            return ()
        numbers = [number for each in states for number in (each.remaining, ceil(each.next_permit))]
        return self._policy, (b"ratelimit", self._state % tuple(numbers))
