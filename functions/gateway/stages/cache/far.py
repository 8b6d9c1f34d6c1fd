"""What level one expects of level two, which all gateways share: what any of them kept, less what any invalidated.

In: keys, answers, names. Out: what is found there, as soon as it is known. Each call costs its caller no more than a
bounded wait; who is away says so, and is asked again when it is heard of.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.keys import Key


class Found(NamedTuple):
    """What is kept of a target; `moment`: after which invalidation that was so, in level two's own words."""

    stored: Sequence[Stored]
    moment: bytes


class Far(Protocol):
    """Level two. What it is given to keep or drop it takes when it can; nobody waits for that."""

    def find(self, key: Key, settle: Callable[[Found | None], None]) -> None:
        """Tells `settle` what is kept; None when it is away."""

    def keep(self, key: Key, tags: Collection[bytes], stored: Stored, moment: bytes) -> None:
        """Keeps an answer to a question that began at `moment`, unless something of it was invalidated since."""

    def drop(self, key: Key, outdated: Collection[Stored]) -> None:
        """Forgets these answers."""

    async def invalidate(self, names: Collection[bytes]) -> bool:
        """Forgets targets by key or by tag, for all gateways; whether it has."""

    async def clear(self) -> bool:
        """Forgets everything, for all gateways; whether it has."""

    async def claim(self, name: bytes, seconds: float) -> bool:
        """Whether nobody else asks about `name` at the moment: then it is this one's to ask, for so long at most."""

    def release(self, name: bytes) -> None:
        """Ends a claim."""
