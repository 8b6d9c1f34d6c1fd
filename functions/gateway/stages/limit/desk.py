"""What one gateway knows of one set of buckets: the permits it has on lease, and how many to ask for next.

In: the time and what the store answered. Out: permits, asks, and verdicts. The law: what is held was
deducted from every bucket before, is used only while the lease lasts, and is given back once. It knows no store, no
clock and no loop.
"""

from typing import NamedTuple

from functions.gateway.stages.limit.bucket import Admission, Verdict, admission, refusal, waits
from functions.gateway.stages.limit.policy import Policies

LIFE = 2_000_000  # microseconds that a lease lasts, on the clock of who took it
SLOT = 250_000  # leases are counted by when they end, in steps of so many microseconds

_SPAN = 500_000  # a lease is as large as what was asked for in so many microseconds
_LEAST = 8  # permits that are worth a lease
_PART = 10  # of a bucket, one tenth of which gone unseen is worth a question


class Ask(NamedTuple):
    """What a gateway wants of a set of buckets, from each as much, and what it gives back."""

    need: int  # permits for requests that wait: as many of them as there are
    ahead: int  # permits on lease beside these, if there are more
    slot: int = 0  # of the lease that ends with this ask
    lent: int = 0  # how large it was
    unused: int = 0  # what is left of it


class Loan(NamedTuple):
    """What a store answers. Times are microseconds on its clock."""

    now: int
    taken: int  # of the permits that were needed
    lent: int  # of those asked for ahead
    slot: int  # under which the store counts them
    spare: int  # permits that may go on lease beside all that are
    tats: tuple[int, ...]  # of each bucket, with all of that deducted


class Desk:
    """One set of buckets, from each of which a request takes a permit."""

    __slots__ = (
        "_count",
        "_demand",
        "_known",
        "_since",
        "_slot",
        "_until",
        "held",
        "keys",
        "lent",
        "looking",
        "policies",
        "touched",
    )

    def __init__(self, policies: Policies, keys: tuple[str, ...], now: int) -> None:
        self.policies = policies
        self.keys = keys
        self.touched = True  # since the last sweep
        self.looking = False  # wants an answer, whether or not a request does
        self._count = 0  # of requests since `_since`
        self._demand = 0  # of requests in the span before
        self._since = now
        self.held = 0  # permits on lease
        self.lent = 0  # how many there were at first
        self._slot = 0
        self._until = 0
        self._known: tuple[int, ...] | None = None  # the TATs, on the gateway's clock

    def ends(self, now: int, within: int) -> bool:
        """Whether there is a lease which ends within so many microseconds, or is used up."""
        return bool(self.lent) and (not self.held or self._until - now < within)

    def look(self, now: int, live: int) -> None:
        """It is quiet. Others may have taken since the last answer, as much as was asked for here if all are equal.

        Where that may be a tenth of a bucket, one more question tells, as it counts while the store is away.
        """
        others = max(self._demand, self._count) * live
        buckets = zip(self.known(now), self.policies.limits, strict=True)
        self.looking = any(tat > now and others * _PART >= limit.burst for tat, limit in buckets)
        self._demand = self._count = 0

    def count(self) -> None:
        """A request comes."""
        self._count += 1
        self.touched = True

    def serve(self, now: int) -> bool:
        """Takes a permit that is on lease, if there is one."""
        if self.held and now < self._until:
            self.held -= 1
            return True
        return False

    def ask(self, now: int, need: int, share: int) -> Ask:
        """Ends the lease that there was. `share` is the largest one; without `need` none is asked for."""
        ask = Ask(need, self._ahead(now, share) if need else 0, self._slot, self.lent, self.held)
        self._slot = self.lent = self.held = 0
        self.looking = False
        return ask

    def receive(self, loan: Loan, sent: int) -> None:
        """`sent`: when the ask left, on the gateway's clock. The store's `now` came later: a lease ends first here."""
        self._slot, self.lent, self.held = loan.slot, loan.lent, loan.lent
        self._until = sent + LIFE
        self._known = tuple(tat - loan.now + sent for tat in loan.tats)

    def known(self, now: int) -> tuple[int, ...]:
        """When each bucket is full again, as far as is known here: the permits on lease are still to be had."""
        if self._known is None:
            return (now,) * len(self.keys)
        held = self.held
        buckets = self.policies.buckets
        return tuple([max(now, tat - held * pace) for tat, (pace, _, _) in zip(self._known, buckets, strict=True)])

    def admission(self, now: int) -> Admission:
        """What the client of a leased permit is told, once it was served."""
        return admission(self.known(now), now, self.policies.buckets)

    def _ahead(self, now: int, share: int) -> int:
        elapsed = now - self._since
        if elapsed > _SPAN:
            self._demand = self._count * _SPAN // elapsed
            self._since, self._count = now, 0
        wanted = min(share, max(self._demand, self._count))
        return wanted if wanted >= _LEAST else 0


def outcomes(loan: Loan, ask: Ask, policies: Policies) -> list[Verdict]:
    """What each of the requests that waited for `loan` is told, in the order they came."""
    now, buckets = loan.now, policies.buckets
    behind = range(loan.lent + loan.taken - 1, loan.lent - 1, -1)  # permits deducted after each one's own
    told: list[Verdict] = [
        admission([tat - later * pace for tat, (pace, *_) in zip(loan.tats, buckets, strict=True)], now, buckets)
        for later in behind
    ]
    if missing := ask.need - loan.taken:
        told += [refusal(waits(loan.tats, now, buckets), loan.tats, now, buckets)] * missing
    return told
