"""The functions' documents, asked for when somebody wants to read them, and merged.

In: the routes, and a way to ask a function for its document. Out: the merged document and the page made of it, at most
FRESH seconds old. A function that does not answer is told by what it said last, or by its manifest; it holds nobody up
for longer than its deadline, and a crowd of readers asks it once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from functions.gateway.documents.merge import Told, merged, read
from functions.gateway.documents.page import page
from functions.gateway.routes import Route
from runtime.http.problem import Problem
from runtime.telemetry import log

DOCUMENT = "/openapi.json"  # what every function answers inside
FRESH = 10.0  # seconds

Ask = Callable[[str], Awaitable[bytes]]  # of a function; raises Problem when it is away

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Documents:
    """The same, for tools and for people."""

    openapi: bytes
    page: str


class Collection:
    """Asks, keeps and merges. Made on the loop that it is used on."""

    def __init__(self, routes: Sequence[Route], ask: Ask, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._told: dict[str, Told] = {}
        self._made = Documents(b"", "")
        self._until = -1.0
        self._asking = asyncio.Lock()
        self.describe(routes)

    def describe(self, routes: Sequence[Route]) -> None:
        """Tells of these from now on; what functions have said stays known, of those that are still there."""
        self._routes = routes
        self._functions = sorted({route.function for route in routes})
        self._told = {name: told for name, told in self._told.items() if name in self._functions}
        self._until = -1.0

    async def documents(self) -> Documents:
        """Those of now."""
        async with self._asking:
            if not self._made.openapi or self._clock() >= self._until:
                routes = self._routes
                await asyncio.gather(*map(self._renew, self._functions))
                document = merged(routes, self._told)
                self._made = Documents(msgspec.json.encode(document), page(document))
                if routes is self._routes:
                    self._until = self._clock() + FRESH
            return self._made

    async def _renew(self, function: str) -> None:
        try:
            told = read(await self._ask(function))
        except Problem as problem:
            logger.info("no document", function=function, why=problem.kind.slug)
            return
        if told is None:
            logger.warning("a document that can't be merged", function=function)
        else:
            self._told[function] = told
