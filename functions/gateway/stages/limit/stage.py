"""The limit stages: a permit from each bucket that a route's rules name, or a 429 that says when to come back.

In: where permits come from, and the rules. They decide nothing themselves and never touch a store. `limit` takes the
permits, once it is known who asks. `guard` stands before authentication: who has used up what his address may is
refused there, and who fails to authenticate pays for that, so that a flood of bad tokens costs its sender.
"""

from collections.abc import Mapping

from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.bucket import Admission, Refusal
from functions.gateway.stages.limit.fields import Fields
from functions.gateway.stages.limit.permits import Permits
from functions.gateway.stages.limit.policy import OnFailure, Policies
from functions.gateway.stages.limit.subject import key
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, FORBIDDEN, QUOTA_EXCEEDED, UNAUTHENTICATED, Problem
from runtime.units import Rule


class Limits:
    """The rules of one route, as the stages ask for them."""

    def __init__(self, route: str, rules: Mapping[str, Rule], on_failure: OnFailure = "local") -> None:
        limits = {name: rule.limit for name, rule in rules.items()}
        self.policies = Policies(limits, on_failure)
        self.fields = Fields(self.policies.names, self.policies.limits)
        self._keys = tuple(key(route, name, rule.by) for name, rule in rules.items())

    def keys(self, exchange: Exchange) -> tuple[str, ...]:
        """The buckets of a request."""
        return tuple([make(exchange) for make in self._keys])


def limit(permits: Permits, rules: Limits) -> Stage:
    """Every answer carries the RateLimit fields, also one that a stage further in raises.

    Refused: Problem quota-exceeded, or dependency-unavailable where the rules are closed while the store is away.
    """

    def stage(handler: Handler) -> Handler:
        async def limited(exchange: Exchange) -> Response:
            told = await _permit(permits, rules, exchange)
            exchange.permitted = True
            try:
                response = await handler(exchange)
            except Problem as problem:
                problem.headers = (*problem.headers, *told)
                raise
            response.headers += told
            return response

        return limited

    return stage


def guard(permits: Permits, rules: Limits) -> Stage:
    """`rules`: those by address of a route on which `limit` stands behind authentication."""

    def stage(handler: Handler) -> Handler:
        async def guarded(exchange: Exchange) -> Response:
            known = permits.refusal(rules.policies, rules.keys(exchange))
            if known is not None:
                raise _refusal(rules, known)
            try:
                return await handler(exchange)
            except Problem as problem:
                if not exchange.permitted and problem.kind in (UNAUTHENTICATED, FORBIDDEN):
                    problem.headers = (*problem.headers, *await _permit(permits, rules, exchange))
                raise

        return guarded

    return stage


async def _permit(permits: Permits, rules: Limits, exchange: Exchange) -> tuple[Header, ...]:
    try:
        verdict = await permits.take(rules.policies, rules.keys(exchange))
    except Unavailable:
        raise Problem(DEPENDENCY_UNAVAILABLE, "Limits can't be checked at the moment.", retry_after=1) from None
    if not isinstance(verdict, Admission):
        raise _refusal(rules, verdict)
    return rules.fields.of(verdict.states)


def _refusal(rules: Limits, refusal: Refusal) -> Problem:
    return Problem(
        QUOTA_EXCEEDED,
        headers=rules.fields.of(refusal.states),
        retry_after=refusal.retry_after,
        members={"violated-policies": [rules.policies.names[index] for index in refusal.violated]},
    )
