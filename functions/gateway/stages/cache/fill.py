"""One question to the function for all who want its answer: it runs in a task of its own, with a deadline of its own.

In: a request, what was decided about it, and how the function is asked. Out: `head` for the one who asked, as soon as
there is something to send; `end` for those who wait for what is stored. Who leaves ends nothing: what is stored
is for the next one. An answer that may not be stored goes to the one who asked, and to nobody else; and so, as far as
others wait for it, does one whose body takes its time: it may never end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from functions.gateway.exchange import Header, Response
from functions.gateway.stages.cache import status
from functions.gateway.stages.cache.asked import Asked
from functions.gateway.stages.cache.decision import (
    Again,
    Fetch,
    Forward,
    Pass,
    Renew,
    Stale,
    Store,
    Update,
    Validate,
    on_answer,
    withheld,
)
from functions.gateway.stages.cache.decision import Outcome as Decided
from functions.gateway.stages.cache.entry import Stored, filled
from functions.gateway.stages.cache.fields import delta, first
from functions.gateway.stages.cache.growing import Growing
from runtime.http.problem import DRAINING, INTERNAL, Problem
from runtime.telemetry import log

logger = log.get(__name__)


class Answered(NamedTuple):
    """What is stored is the answer; the function said `status`, perhaps to another gateway (`elsewhere`)."""

    stored: Stored
    status: int
    kept: bool
    elsewhere: bool = False


class Failed(NamedTuple):
    """No answer was to be had."""

    problem: Problem


class Unshared(NamedTuple):
    """There was an answer, for the one who asked only."""


Outcome = Answered | Failed | Unshared


@dataclass(frozen=True, slots=True)
class Job:
    """What a fill is about; `largest`: bytes of a body that is stored; `clock` gives epoch seconds.

    `cookies`: whether what sets one is stored, too.

    `patience`: seconds that a body may take before nobody waits for it.

    `elsewhere` waits, where that is worth it, for another gateway which asks the same, and returns what that one has
    brought; None: the function is to be asked.
    """

    asked: Asked
    decided: Forward
    ask: Callable[[list[Header]], Awaitable[Response]]
    keep: Callable[[Stored], None]
    drop: Callable[[Collection[Stored]], None]
    elsewhere: Callable[[], Awaitable[Stored | None]]
    largest: int
    patience: float
    clock: Callable[[], float]
    cookies: bool = False


class Fill:
    """A question that is being asked, by the task that runs `run`."""

    def __init__(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        self.head: asyncio.Future[Response | Answered | Failed] = loop.create_future()
        self.end: asyncio.Future[Outcome] = loop.create_future()
        self._job = job
        self._left = False

    async def run(self) -> None:
        """Asks, and settles both futures whatever comes."""
        try:
            brought = await self._job.elsewhere()
            if brought is None:
                await self._ask(self._job.decided)
            else:
                self._settle(Answered(brought, brought.status, kept=True, elsewhere=True))
        except Problem as problem:
            self._settle(Failed(problem))
        except Exception:
            logger.exception("unexpected error in a fill")
            self._settle(Failed(Problem(INTERNAL)))
        finally:
            self._settle(Failed(Problem(DRAINING)))  # nothing, unless it was cancelled

    def leave(self) -> None:
        """The one who asked is gone; nobody takes what may not be shared."""
        self._left = True
        if self.head.done() and isinstance(taken := self.head.result(), Response):
            taken.finish()

    async def _ask(self, decided: Forward) -> None:
        job = self._job
        requested = job.clock()
        response = await job.ask(_fields(job.asked, decided))
        match self._decided(decided, response, requested):
            case Again():
                response.finish()
                await self._ask(Fetch(decided.why))
            case Store(stored):
                await self._store(decided, stored, response)
            case Update(stored, keep):
                response.finish()
                if keep:
                    job.keep(stored)
                else:  # nobody else's, then
                    self._end(Unshared())
                self._settle(Answered(stored, response.status, keep))
            case Stale(stored):
                response.finish()
                self._settle(Answered(stored, response.status, kept=False))
            case Renew(renewed):
                for stored in renewed:
                    job.keep(stored)
                self._pass(decided, response)
            case Pass(outdated):
                job.drop(outdated)
                self._pass(decided, response)

    def _decided(self, decided: Forward, response: Response, requested: float) -> Decided:
        job = self._job
        outcome = on_answer(job.asked, decided, response.status, response.headers, requested, job.clock())
        return outcome if job.cookies else withheld(outcome)

    def _pass(self, decided: Forward, response: Response) -> None:
        said = status.forwarded(decided.why, response.status)
        self._hand(
            Response(response.status, [*response.headers, said], response.content, response.stream, response.at_end)
        )
        self._end(Unshared())

    async def _store(self, decided: Forward, stored: Stored, response: Response) -> None:
        if (delta(first(response.headers, b"content-length") or b"") or 0) > self._job.largest:
            self._job.drop((stored,))
            self._pass(decided, response)
            return
        growing = Growing()
        begun = self._begun(decided, stored, response, growing)
        if not (isinstance(decided, Validate) and self._job.asked.conditional):
            self._hand(begun)  # who set conditions that were not forwarded waits for the whole, too
        waiting = asyncio.get_running_loop().call_later(self._job.patience, self._goes_on, begun)
        try:
            complete = await self._read(response, growing)
        except Exception as error:  # noqa: BLE001  whatever breaks the body off is its reader's to see
            response.finish()
            growing.end(error)
            self._end(Unshared())
            return
        finally:
            waiting.cancel()
        if not complete:
            self._job.drop((stored,))
            self._hand(_as_it_came(response, growing, status.forwarded(decided.why, response.status)))
            growing.hand_over(response)
            self._end(Unshared())
            return
        response.finish()
        self._keep(stored, growing, response.status)

    def _begun(self, decided: Forward, stored: Stored, response: Response, growing: Growing) -> Response:
        """The answer while it comes."""
        said = status.forwarded(decided.why, response.status, stored=_ends_as_it_says(response))
        age = b"age", b"%d" % max(0.0, self._job.clock() - stored.born)
        return _as_it_came(response, growing, said, age)

    def _goes_on(self, begun: Response) -> None:
        """It may come for long: nobody waits for its end any more."""
        self._hand(begun)
        self._end(Unshared())

    def _keep(self, stored: Stored, growing: Growing, code: int) -> None:
        kept = filled(stored, growing.whole)
        if kept is not None:
            self._job.keep(kept)
            self._settle(Answered(kept, code, kept=True))
        growing.end()
        self._end(Unshared())

    async def _read(self, response: Response, growing: Growing) -> bool:
        """Whether the whole body was small enough."""
        part, size = response.content, 0
        while True:
            growing.add(part)
            size += len(part)
            if size > self._job.largest:
                return False
            part = b"" if response.stream is None else await response.stream.read()
            if not part:
                return True

    def _settle(self, outcome: Answered | Failed) -> None:
        if not self.head.done():
            self.head.set_result(outcome)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if not self.end.done():
            self.end.set_result(outcome)

    def _hand(self, response: Response) -> None:
        if self.head.done():
            return
        self.head.set_result(response)
        if self._left:
            response.finish()


def _fields(asked: Asked, decided: Forward) -> list[Header]:
    if isinstance(decided, Validate):
        return [*asked.unconditional(), *decided.conditions]
    return list(asked.headers)


def _ends_as_it_says(response: Response) -> bool:
    """Whether it is known before its end how long it is: of what may grow too large nobody says that it is stored."""
    return response.stream is None or first(response.headers, b"content-length") is not None


def _as_it_came(response: Response, growing: Growing, *said: Header) -> Response:
    """The head as the function sent it, and a body that grows."""
    again = {name for name, _ in said} - {status.NAME}
    headers = [field for field in response.headers if field[0] not in again]
    return Response(response.status, [*headers, *said], b"", growing)
