"""A shared cache in front of one route (RFC 9111): what may be answered from what is held never reaches the function.

In: where answers are kept, fills that are under way, and the route's rules. It decides nothing itself: decision.py says
what a request gets. A hit is looked up and answered before anything else is made.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from functions.gateway.stages.cache import keys, status
from functions.gateway.stages.cache.answer import answer
from functions.gateway.stages.cache.asked import Asked, ask
from functions.gateway.stages.cache.decision import (
    BYPASS,
    ERRORS,
    Forward,
    Refuse,
    Reuse,
    Validate,
    ask_about,
    on_failure,
    on_request,
)
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.fill import Answered, Failed, Fill, Job, Outcome
from functions.gateway.stages.cache.fills import Fills, Name
from functions.gateway.stages.cache.keys import Key, Normal
from functions.gateway.stages.cache.levels import Began, Levels
from functions.gateway.stages.cache.selection import selecting
from functions.gateway.stages.cache.turn import Question, Turn, patience
from functions.gateway.stages.deadline import deadline
from runtime.http.problem import NOT_STORED, Problem

_ROUNDS = 3  # times that a request waits for somebody else's fill before it goes alone
_SHARE = 0.95  # of a request's time: so that something stale can still be sent when a fill's own is up

Clock = Callable[[], float]  # epoch seconds
OUTCOMES = ("hit", "hit-redis", "stale", "miss", "collapsed", "bypass", "refused")
Tell = Callable[[str], object]  # one of them


def nobody(_outcome: str) -> None:
    """Takes what nobody counts."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a route says about its answers; `largest` in bytes, `longest` and `deadline` in seconds.

    `cookies`: those that set one are kept for all, too.
    """

    function: str
    normal: Normal
    largest: int
    longest: float
    deadline: float
    cookies: bool = False


def cache(levels: Levels, fills: Fills, rules: Rules, tell: Tell = nobody, clock: Clock = time.time) -> Stage:
    """For GET and HEAD of one route; all routes share `levels` and `fills`. `tell` hears how each answer came about."""
    route = Cache(levels, fills, rules, tell, clock)

    def stage(handler: Handler) -> Handler:
        filling = deadline(rules.deadline * _SHARE)(handler)

        async def cached(exchange: Exchange) -> Response:
            asked = ask(exchange.method, exchange.headers, exchange.scheme)
            target = exchange.target = rules.normal(exchange.target)  # what is kept is what the function says of this
            key = keys.key(rules.function, target)
            now = clock()
            decided = on_request(asked, levels.held(key), now)
            if type(decided) is Reuse:
                if decided.behind:
                    route.renew(asked, key, decided.stored, filling, exchange)
                tell("stale" if decided.behind else "hit")
                return answer(asked, decided.stored, now, status.hit(decided.stored.fresh_until - now))
            if decided is BYPASS:
                tell("bypass")
                return await bypassed(handler, exchange)
            return await route.missed(asked, key, filling, exchange)

        return cached

    return stage


async def bypassed(handler: Handler, exchange: Exchange) -> Response:
    """What no cache may answer."""
    response = await handler(exchange)
    response.headers.append(status.forwarded(status.REQUEST, response.status))
    return response


class Cache:
    """What one route does about what is not held."""

    def __init__(self, levels: Levels, fills: Fills, rules: Rules, tell: Tell, clock: Clock) -> None:
        self._levels = levels
        self._fills = fills
        self._rules = rules
        self._tell = tell
        self._clock = clock

    def renew(self, asked: Asked, key: Key, stored: Stored, handler: Handler, exchange: Exchange) -> None:
        """Asks about what is stale, while it is served."""
        name = _name(asked, key, stored)
        if self._fills.joined(name) is None:
            decided = ask_about(asked, stored, self._clock())
            question = Question(asked, key, name, decided, Began(self._levels.now))
            self._fills.begin(name, self._job(question, handler, exchange)).leave()

    async def missed(self, asked: Asked, key: Key, handler: Handler, exchange: Exchange) -> Response:
        """Looks further, waits for somebody who asks the same, or asks."""
        name: Name | None = None
        for turn in range(_ROUNDS + 1):
            held, began, far = await self._levels.recall(key)
            now = self._clock()
            decided = on_request(asked, held, now)
            if isinstance(decided, Reuse):
                self._tell("hit-redis" if far else "hit")
                return answer(asked, decided.stored, now, status.hit(decided.stored.fresh_until - now))
            if isinstance(decided, Refuse):
                self._tell("refused")
                raise Problem(NOT_STORED, headers=[status.refused()])
            name = _name(asked, key, held[0] if held else None)
            if turn == _ROUNDS or not _common(asked, decided) or self._fills.apart(name):
                name = None
            elif (fill := self._fills.joined(name)) is not None:
                response = self._shared(asked, decided, await self._fills.wait(self._rules.function, fill, fill.end))
                if response is not None:
                    return response
                continue
            question = Question(asked, key, name, decided, began)
            fill = self._fills.begin(name, self._job(question, handler, exchange))
            return await self._led(asked, decided, fill)
        raise AssertionError("the last turn asks in any case")

    async def _led(self, asked: Asked, decided: Forward, fill: Fill) -> Response:
        """The answer for the one who asked; when that one leaves, the fill goes on, unless too many do."""
        try:
            outcome = await self._fills.wait(self._rules.function, fill, fill.head)
        except asyncio.CancelledError:
            fill.leave()
            raise
        if isinstance(outcome, Response):
            self._tell("miss")
            return outcome
        if isinstance(outcome, Failed):
            return self._excused(asked, decided, outcome.problem)
        return self._answer(asked, decided, outcome, collapsed=outcome.elsewhere)

    def _shared(self, asked: Asked, decided: Forward, outcome: Outcome) -> Response | None:
        """What somebody else's fill is worth for this request; None when it has to ask itself."""
        if isinstance(outcome, Failed):
            return self._excused(asked, decided, outcome.problem)
        if not isinstance(outcome, Answered):
            return None
        if not isinstance(on_request(asked, (outcome.stored,), self._clock()), Reuse):
            return None
        return self._answer(asked, decided, outcome, collapsed=True)

    def _answer(self, asked: Asked, decided: Forward, outcome: Answered, *, collapsed: bool) -> Response:
        self._tell("collapsed" if collapsed else "miss")
        said = status.forwarded(decided.why, outcome.status, stored=outcome.kept, collapsed=collapsed)
        return answer(asked, outcome.stored, self._clock(), said)

    def _excused(self, asked: Asked, decided: Forward, problem: Problem) -> Response:
        """Something stale in place of an error, or the error: each who waits has one of its own."""
        now, code = self._clock(), problem.kind.status
        stale = on_failure(asked, decided, now) if code in ERRORS else None
        if stale is None:
            self._tell("miss")
            raise Problem(problem.kind, problem.detail, headers=problem.headers, members=problem.members)
        self._tell("stale")
        return answer(asked, stale, now, status.hit(stale.fresh_until - now, b"error-%d" % code))

    def _job(self, question: Question, handler: Handler, exchange: Exchange) -> Fill:
        levels, rules, key = self._levels, self._rules, question.key
        turn = Turn(levels, question, rules.deadline, self._clock)

        def keep(stored: Stored) -> None:
            levels.keep(rules.function, key, bounded(stored, rules.longest), turn.began)

        fill = Fill(
            Job(
                question.asked,
                question.decided,
                ask=lambda headers: handler(alone(exchange, headers)),
                keep=keep,
                drop=partial(levels.drop, key),
                elsewhere=turn.elsewhere,
                largest=rules.largest,
                patience=patience(rules.deadline),
                cookies=rules.cookies,
                clock=self._clock,
            )
        )
        fill.end.add_done_callback(turn.over)
        return fill


def alone(exchange: Exchange, headers: list[Header]) -> Exchange:
    """The same request with other fields, for a fill: nothing of it ends when its client leaves."""
    return Exchange(
        exchange.route,
        exchange.method,
        exchange.target,
        headers,
        _nothing,
        0,
        exchange.client,
        exchange.scheme,
        request_id=exchange.request_id,
        added=list(exchange.added),
        principal=exchange.principal,
    )


def bounded(stored: Stored, longest: float) -> Stored:
    """Fresh for no longer than the route allows."""
    until = stored.born + longest
    return stored if stored.fresh_until <= until else msgspec.structs.replace(stored, fresh_until=until)


def _common(asked: Asked, decided: Forward) -> bool:
    """Whether what is asked is what others ask, too: nothing that only this request wants goes to the function."""
    return asked.directives is None and (asked.plain or (isinstance(decided, Validate) and asked.method == b"GET"))


def _name(asked: Asked, key: Key, known: Stored | None) -> Name:
    """What a fill is about, as far as a former answer tells what selects."""
    return key, selecting(known.vary if known is not None else (), asked.origin, asked.headers)


async def _nothing() -> bytes:
    return b""
