"""Samples and the faults they met -> a row for each fault: what failed, of which kind, how slow it got, for how long.

Pure. A row also knows what it promised, and which requests broke that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from deploy.chaos.sample import Kind, Sample

SLOW = 1.0  # seconds: an answer that took longer is not as usual
_TOLD = 0.25  # seconds after a kill in which its connections end: what was sent on one then was in flight, too


class Promise(Enum):
    """What a fault may cost."""

    NOTHING = "no request"
    IN_FLIGHT = "only unkeyed POSTs in flight on it"
    RESENT = "nothing that is sent once more"


@dataclass(frozen=True, slots=True)
class Window:
    """A fault and its time, in seconds since the load began. `back`: when everything was ready again, None if never.

    `trouble` says what went wrong with the fault itself.
    """

    fault: str
    promise: Promise
    began: float
    struck: float
    ended: float
    back: float | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What a window came to; `recovered` is how long after the blow the last request failed or was slow."""

    window: Window
    requests: int
    reads: int
    keyed: int
    unkeyed: int
    in_flight: int
    resent: int
    worst: float
    recovered: float
    broken: tuple[Sample, ...]

    @property
    def kept(self) -> bool:
        """Whether the promise was."""
        return not self.broken and not self.window.trouble and self.window.back is not None


def summarise(window: Window, samples: Sequence[Sample]) -> Row:
    """`samples` may be those of all windows: to this one belongs what was due in it."""
    mine = [sample for sample in samples if window.began <= sample.due < window.ended]
    failed = [sample for sample in mine if not sample.ok]
    unkeyed = [sample for sample in failed if sample.kind is Kind.UNKEYED]
    flying = [sample for sample in unkeyed if in_flight(window, sample)]
    return Row(
        window,
        requests=len(mine),
        reads=sum(sample.kind is Kind.READ for sample in failed),
        keyed=sum(sample.kind in (Kind.KEYED, Kind.SLOW) for sample in failed),
        unkeyed=len(unkeyed) - len(flying),
        in_flight=len(flying),
        resent=sum(sample.sends > 1 for sample in mine),
        worst=max((sample.latency for sample in mine), default=0.0),
        recovered=recovery(window, mine),
        broken=tuple(sample for sample in failed if breaks(window, sample)),
    )


def in_flight(window: Window, sample: Sample) -> bool:
    """Whether a request was under way when the blow fell."""
    return sample.due <= window.struck + _TOLD and sample.ended >= window.struck


def breaks(window: Window, sample: Sample) -> bool:
    """Whether a failure is one that should not have been."""
    if sample.ok:
        return False
    if window.promise is Promise.NOTHING or sample.kind.repeatable:
        return True
    if window.promise is Promise.IN_FLIGHT:
        return not (in_flight(window, sample) and sample.clean)
    return not (in_flight(window, sample) or sample.clean)


def recovery(window: Window, samples: Sequence[Sample]) -> float:
    """Seconds from the blow to the end of the last request that failed or was slow."""
    troubled = [sample.ended for sample in samples if sample.ended >= window.struck and not usual(sample)]
    return max(troubled, default=window.struck) - window.struck


def usual(sample: Sample) -> bool:
    """Whether nothing was the matter with it."""
    return sample.ok and sample.latency <= SLOW
