"""Tries another instance when one failed and trying again does no harm.

A failure is no answer, or one with a status of the route's `failures`. Who has answered is not asked again: where no
other instance may be, the failure stands. A connection that was refused or broke is no answer, and may be tried once
more at the same one. No harm: nothing was sent yet; or the method is
idempotent (RFC 9110, section 9.2.2); or the request has an Idempotency-Key and its route honours keys. A body larger
than what is kept is streamed, and tried once: the client takes the first part of a stream before it connects. What
this gateway refused itself (a limit, an open circuit, a token) is nobody's failure, and passes.

Between two tries it waits a random time below a bound that doubles (full jitter: Brooker, Exponential Backoff And
Jitter, 2015), and never beyond the deadline. When the budget is used up, the failure stands; a connection that was
refused or broke needs none.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Protocol

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.stages.accept import has_key
from functions.gateway.stages.forward.stage import InstanceFailed
from functions.gateway.stages.retry.budget import Budget
from runtime.http.problem import UNREACHABLE

IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})
_BACKOFF = 0.025  # seconds: the longest wait before the second try; doubles with each

Outcome = Response | InstanceFailed


class Elsewhere(Protocol):
    """Who knows the instances."""

    def __call__(self, exchange: Exchange, /, *, same: bool) -> bool:
        """Whether one may be asked that the request was not sent to; or, with `same`, one that it was."""


def _anywhere(_exchange: Exchange, *, same: bool) -> bool:  # noqa: ARG001  there is always another
    return True


class Tell(Protocol):
    """Who counts."""

    def retried(self) -> None:
        """A further try begins."""

    def refused(self) -> None:
        """A further try would have done no harm, but the budget is used up."""


def retry(
    retries: int,
    failures: Container[int],
    budget: Budget,
    jitter: Callable[[], float],
    tell: Tell,
    *,
    elsewhere: Elsewhere = _anywhere,
) -> Stage:
    """At most `retries` further tries, out of a `budget` that all routes of a function share; `jitter`: 0.0 to 1.0."""
    further = Further([_BACKOFF * 2**number for number in range(retries)], failures, budget, jitter, tell, elsewhere)

    def stage(handler: Handler) -> Handler:
        async def retried(exchange: Exchange) -> Response:
            budget.live += 1
            try:
                try:
                    response = await handler(exchange)
                except InstanceFailed as failed:
                    return await further.tries(handler, exchange, failed)
                if response.status in failures:
                    return await further.tries(handler, exchange, response)
                return response
            finally:
                budget.live -= 1

        return retried

    return stage


class Further:
    """What comes after a first try that failed; `pauses`: the longest wait before each further one, in seconds."""

    def __init__(
        self,
        pauses: Sequence[float],
        failures: Container[int],
        budget: Budget,
        jitter: Callable[[], float],
        tell: Tell,
        elsewhere: Elsewhere,
    ) -> None:
        self._elsewhere = elsewhere
        self._pauses = pauses
        self._failures = failures
        self._budget = budget
        self._jitter = jitter
        self._tell = tell

    async def tries(self, handler: Handler, exchange: Exchange, outcome: Outcome) -> Response:
        """The first answer that is none of the failures, or the last failure. Raises what the last try raised."""
        try:
            for longest in self._pauses:
                if not self._harmless(exchange, outcome) or not self._elsewhere(exchange, same=_gone(outcome)):
                    break
                if not await self._turn(exchange, longest):
                    break
                if (came := await self._try(handler, exchange, outcome)) is None:
                    break
                outcome = came
        except BaseException:
            _drop(outcome)
            raise
        if isinstance(outcome, InstanceFailed):
            raise outcome
        return outcome

    def _harmless(self, exchange: Exchange, outcome: Outcome) -> bool:
        """Whether `outcome` is a failure, and the request can be made again."""
        if isinstance(outcome, Response):
            return outcome.status in self._failures and exchange.whole and _repeatable(exchange)
        return exchange.whole and (not outcome.sent or _repeatable(exchange))

    async def _turn(self, exchange: Exchange, longest: float) -> bool:
        """Waits for its turn. Returns False at once where no time would be left."""
        pause = self._jitter() * longest
        if exchange.deadline is not None and exchange.deadline.remaining() <= pause:
            return False
        await asyncio.sleep(pause)
        return True

    async def _try(self, handler: Handler, exchange: Exchange, before: Outcome) -> Outcome | None:
        """Out of the budget, unless what came before has ended with its instance; None where there is no room."""
        if _gone(before):
            return await self._asked(handler, exchange, before)
        if not self._budget.spend():
            self._tell.refused()
            return None
        try:
            return await self._asked(handler, exchange, before)
        finally:
            self._budget.give_back()

    async def _asked(self, handler: Handler, exchange: Exchange, before: Outcome) -> Outcome:
        _drop(before)
        self._tell.retried()
        try:
            return await handler(exchange)
        except InstanceFailed as failed:
            return failed


def _gone(outcome: Outcome) -> bool:
    """Whether there was no connection, or it broke: what was asked has ended, so asking another adds no load.

    All that an instance had in flight comes at once when it dies, more than any budget that bounds added load.
    """
    return isinstance(outcome, InstanceFailed) and outcome.kind is UNREACHABLE


def _repeatable(exchange: Exchange) -> bool:
    return exchange.method in IDEMPOTENT or has_key(exchange.headers)


def _drop(outcome: Outcome) -> None:
    if isinstance(outcome, Response):
        outcome.finish()
