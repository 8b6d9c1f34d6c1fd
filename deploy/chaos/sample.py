"""One request of the load, and what became of it. Values only."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What may be done about a request that failed, and what it costs to send it."""

    READ = "read"  # a GET
    KEYED = "keyed"  # a POST with an Idempotency-Key
    SLOW = "slow"  # a keyed POST whose body takes a second to come
    UNKEYED = "unkeyed"  # a POST that nobody may send again

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice has one effect."""
        return self is not Kind.UNKEYED


@dataclass(frozen=True, slots=True)
class Sample:
    """Times are in seconds since the load began; `due` is when it should have been sent, whatever held it up.

    `status` is that of the last answer, 0 if there was none; `said` is the slug of a problem, or what broke; `took` is
    how long the client itself took to send it.
    """

    kind: Kind
    call: str
    due: float
    ended: float
    status: int
    said: str = ""
    sends: int = 1
    took: float = 0.0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def clean(self) -> bool:
        """Whether a failure was told as the contract says."""
        return self.ok or self.said.startswith("/problems/")

    @property
    def latency(self) -> float:
        """From when it was due: a request that had to wait for its turn counts its waiting."""
        return self.ended - self.due - self.took

    def __str__(self) -> str:
        told = f"{self.status} {self.said}".strip() if self.status else f"no answer ({self.said})"
        again = f", sent {self.sends} times" if self.sends > 1 else ""
        return f"{self.due:.3f} s: {self.kind} {self.call}: {told} after {self.latency:.3f} s{again}"
