"""An open-loop load: requests begin when they are due, however long those before them take.

So a stack that stands still is charged for every request that should have been answered meanwhile (no coordinated
omission). Nothing is sent twice, unless `resends` says that what may be repeated is sent once more.
"""

import asyncio
import json
import time
from typing import Protocol

from deploy.chaos.sample import Sample
from deploy.chaos.traffic import Call
from deploy.chaos.wire import Answer, Broken, Sender

_BREATH = 1.0  # seconds before a request is sent again that got a failure without Retry-After, or no answer
_LONGEST_WAIT = 10.0  # seconds that a Retry-After is heeded


class Calls(Protocol):
    """What is to be sent."""

    def next(self) -> Call: ...

    def answered(self, call: Call, answer: Answer) -> None: ...


class Load:
    """`rate` requests a second; `samples` has what became of each, in the order in which they ended."""

    def __init__(self, sender: Sender, calls: Calls, rate: float) -> None:
        self.samples: list[Sample] = []
        self.resends = False
        self._sender = sender
        self._calls = calls
        self._rate = rate
        self._began = time.monotonic()
        self._over = False
        self._under_way: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._began

    def stop(self) -> None:
        """Lets what is under way finish."""
        self._over = True

    async def settle(self) -> None:
        """Until what is under way now has ended, and what of it is sent once more."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))

    async def run(self) -> None:
        """Until it is stopped, and every request has ended."""
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            number = 0
            while not self._over:
                due = number / self._rate
                await asyncio.sleep(max(0.0, due - self.now()))
                request = requests.create_task(self._one(self._calls.next(), due))
                self._under_way.add(request)
                request.add_done_callback(self._under_way.discard)
                number += 1

    async def _one(self, call: Call, due: float) -> None:
        status, said, wait = await self._send(call)
        sends = 1
        if self.resends and call.kind.repeatable and (status == 0 or status >= 500):
            await asyncio.sleep(wait)
            status, said, _ = await self._send(call)
            sends = 2
        took = call.request.slowly
        self.samples.append(Sample(call.kind, call.name, due, self.now(), status, said, sends, took))

    async def _send(self, call: Call) -> tuple[int, str, float]:
        """The status, what was said, and how long to wait before it is sent again."""
        try:
            answer = await self._sender.send(call.request)
        except (OSError, Broken) as error:
            return 0, str(error) or type(error).__name__, _BREATH
        if 200 <= answer.status < 300:
            self._calls.answered(call, answer)
            return answer.status, "", 0.0
        return answer.status, slug(answer), min(float(answer.headers.get("retry-after", _BREATH)), _LONGEST_WAIT)


def slug(answer: Answer) -> str:
    """The type of a problem, or how the body begins that is none."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return str(json.loads(answer.body)["type"])
    return answer.body[:80].decode(errors="replace")
