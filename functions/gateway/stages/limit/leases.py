"""Permits that all instances share, with as few questions as can be: a hot key is asked for once for many requests.

In: a lender, and how many instances are alive. Out: verdicts, or Unavailable. Requests that come while a question
waits to be sent go with it; a key that is asked for often is lent a batch of permits ahead; one that has none left is
refused here until its reset. Together never more than the limit is admitted, and less by at most what is on lease.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal, Verdict, refusal, waits
from functions.gateway.stages.limit.desk import LIFE, Ask, Desk, Loan, outcomes
from functions.gateway.stages.limit.memory import Clock, steady
from functions.gateway.stages.limit.permits import Lender
from functions.gateway.stages.limit.policy import MICROSECONDS, Policies
from runtime.serving.background import again

SWEEP = 0.4  # seconds; a lease that nobody used from one sweep to the next goes back

_ENDING = LIFE // 2  # a lease is given back before its end: what is unused is lost then
_LONGEST = MICROSECONDS  # of a refusal: a bucket may be cleared by a person, or filled by a lease that comes back
_GATHER = 50_000  # at most that long permits gather at an empty bucket, as many as may still go on lease
_SHARED, _LEASED, _KNOWN = (((how, "refused"), (how, "admitted")) for how in ("shared", "leased", "known"))

Learn = Callable[[str, int], None]  # told of each bucket and the microseconds until it is full


class Question:
    """What the requests that wait at a desk want to know, from the moment when it is put until it is answered."""

    __slots__ = ("ask", "desk", "sent", "waiters")

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.waiters: list[asyncio.Future[Verdict]] = []
        self.ask = Ask(0, 0)
        self.sent = 0


class Leases:
    """One instance's part of the shared permits.

    Failure policy: raises Unavailable to everyone who waits, and knows nothing any more after `forget`.
    """

    def __init__(
        self,
        lender: Lender,
        live: Callable[[], int],
        learn: Learn = lambda key, debt: None,  # noqa: ARG005  nobody must want to know
        clock: Clock = steady,
    ) -> None:
        self._lender = lender
        self._live = live
        self._learn = learn
        self._clock = clock
        self._desks: dict[tuple[str, ...], Desk] = {}
        self._queued: dict[tuple[str, ...], Question] = {}
        self._spent: dict[str, tuple[int, int, int]] = {}  # when it was asked for, how long until its reset, Loan.spare
        self.decisions: Counter[tuple[str, ...]] = Counter()  # by how it was known and what was decided
        self.asked = 0  # questions that were sent

    @property
    def held(self) -> int:
        """Permits on lease."""
        return sum(desk.held for desk in self._desks.values())

    @property
    def active(self) -> int:
        """Keys, or sets of them, that were asked for lately; what is known of all others is as good as it gets."""
        return len(self._desks)

    async def take(self, policies: Policies, keys: tuple[str, ...]) -> Verdict:
        """A permit from each bucket, or none."""
        found = self.at_once(policies, keys)
        return found if found is not None else await self.later(keys)

    def at_once(self, policies: Policies, keys: tuple[str, ...]) -> Verdict | None:
        """What is known without asking anybody."""
        now = self._clock()
        desk = self._desks.get(keys)
        if desk is None:
            desk = self._desks[keys] = Desk(policies, keys, now)
        elif desk.policies is not policies:
            desk.policies = policies  # the route was built anew; its buckets, and what is on lease, are the same
        desk.count()
        if desk.serve(now):
            self.decisions[_LEASED[True]] += 1
            return desk.admission(now)
        return self._refusal(policies, keys, now) if self._spent else None

    def refusal(self, policies: Policies, keys: tuple[str, ...]) -> Refusal | None:
        """That one of the buckets has no permit, if that is known."""
        return self._refusal(policies, keys, self._clock()) if self._spent else None

    def later(self, keys: tuple[str, ...]) -> asyncio.Future[Verdict]:
        """What the lender will say; `at_once` was asked before."""
        waiter: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._put(self._desks[keys]).waiters.append(waiter)
        return waiter

    def forget(self) -> None:
        """Nothing that is known of the lender is true any more."""
        self._desks.clear()
        self._spent.clear()

    def sweep(self) -> None:
        """Gives back what is not used, and forgets what nobody asks for."""
        now = self._clock()
        self._spent = {key: spent for key, spent in self._spent.items() if spent[0] + _LONGEST > now}
        for desk in [*self._desks.values()]:
            if desk.touched:
                desk.touched = False
                if desk.ends(now, _ENDING):
                    self._put(desk)
            else:
                self._quiet(desk, now)

    async def sweeping(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Sweeps again and again, for ever."""

        async def sweep() -> None:
            self.sweep()

        await again("leases", sweep, lambda _worked: SWEEP, sleep=sleep)

    def close(self) -> None:
        """Gives back everything that is on lease."""
        for desk in self._desks.values():
            if desk.lent:
                self._put(desk)

    def _quiet(self, desk: Desk, now: int) -> None:
        desk.look(now, self._live())
        if desk.lent or desk.looking:
            self._put(desk)
        elif desk.keys not in self._queued:
            del self._desks[desk.keys]

    def _put(self, desk: Desk) -> Question:
        """The desk's question that waits to be sent; a new one, if there is none."""
        if waiting := self._queued.get(desk.keys):
            return waiting
        question = self._queued[desk.keys] = Question(desk)
        self._lender.ask(
            desk.policies, desk.keys, lambda: self._send(question), lambda loan: self._settle(question, loan)
        )
        return question

    def _send(self, question: Question) -> Ask | None:
        """What is asked, now that it leaves; what came back meanwhile is used first."""
        now, desk = self._clock(), question.desk
        del self._queued[desk.keys]
        waiting = deque(waiter for waiter in question.waiters if not waiter.done())
        while waiting and desk.serve(now):
            self._answer(waiting.popleft(), desk.admission(now), _LEASED)
        question.waiters, question.sent = [*waiting], now
        if not waiting and not desk.lent and not desk.looking:
            return None
        question.ask = desk.ask(now, len(waiting), desk.policies.leasable // max(1, self._live()))
        self.asked += 1
        return question.ask

    def _settle(self, question: Question, loan: Loan | Unavailable) -> None:
        desk = question.desk
        if isinstance(loan, Unavailable):
            if self._queued.get(desk.keys) is question:
                del self._queued[desk.keys]
            for waiter in question.waiters:
                if not waiter.done():
                    waiter.set_exception(Unavailable(str(loan)))
            return
        desk.receive(loan, question.sent)
        self._note(desk, loan, question.sent)
        for waiter, told in zip(question.waiters, outcomes(loan, question.ask, desk.policies), strict=True):
            self._answer(waiter, told, _SHARED)

    def _answer(self, waiter: asyncio.Future[Verdict], told: Verdict, how: tuple[tuple[str, str], ...]) -> None:
        self.decisions[how[isinstance(told, Admission)]] += 1
        if not waiter.done():  # else who asked has gone; the permit has been taken
            waiter.set_result(told)

    def _note(self, desk: Desk, loan: Loan, sent: int) -> None:
        """Which buckets have no permit, and until when: here that is never later than in the store."""
        for key, tat, (pace, burst, _) in zip(desk.keys, loan.tats, desk.policies.buckets, strict=True):
            debt = tat - loan.now
            self._learn(key, debt)
            reset = debt - (burst - 1) * pace
            if reset > 0:
                self._spent[key] = sent, reset, loan.spare

    def _refusal(self, policies: Policies, keys: tuple[str, ...], now: int) -> Refusal | None:
        """Of what is spent; of other buckets the client is told what was known last.

        Permits gather there before one is asked for, and so many more as were on lease to this desk and are used: what
        has gathered and what is still on lease are together no more than may be on lease.
        """
        desk = self._desks.get(keys)
        used = desk.lent - desk.held if desk else 0
        due = [self._due(key, pace, used, now) for key, (pace, _, _) in zip(keys, policies.buckets, strict=True)]
        if not any(due):
            return None
        self.decisions[_KNOWN[False]] += 1
        tats = desk.known(now) if desk else (now,) * len(keys)
        if not all(due):
            due = [spent or wait for spent, wait in zip(due, waits(tats, now, policies.buckets), strict=True)]
        return refusal(due, tats, now, policies.buckets)

    def _due(self, key: str, pace: int, used: int, now: int) -> int:
        """Microseconds for which a key is still refused here; 0: ask."""
        spent = self._spent.get(key)
        if spent is None:
            return 0
        sent, reset, spare = spent
        gather = (spare + used) * pace
        if gather > reset:
            reset = max(reset, min(gather, _GATHER))
        return sent + reset - now if now < sent + reset and now < sent + _LONGEST else 0
