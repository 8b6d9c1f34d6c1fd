"""A function to put below a cache: it answers as a test says, when a test says, and remembers what it was asked."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from functions.gateway.exchange import Exchange, Handler, Response
from functions.gateway.stages.cache.fills import Fills
from functions.gateway.stages.cache.keys import plain
from functions.gateway.stages.cache.levels import Levels
from functions.gateway.stages.cache.stage import Rules, cache
from tests.exchanges import exchange
from tests.unit.functions.gateway.stages.cache.heads import NOW, head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RULES = Rules("things", plain, largest=1000, longest=86_400.0, deadline=60.0)


class Parts:
    """A body whose parts come when they are given; an error breaks it off."""

    ended = False

    def __init__(self, *parts: bytes | Exception) -> None:
        self._parts: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.closed = False
        for part in parts:
            self.give(part)

    def give(self, part: bytes | Exception) -> None:
        self._parts.put_nowait(part)

    async def read(self) -> bytes:
        part = await self._parts.get()
        if isinstance(part, Exception):
            raise part
        return part

    def close(self) -> None:
        self.closed = True


class Origin:
    """Answers every request with `lines` and `body`, once `ready` is set; `error` is raised instead."""

    def __init__(self, *lines: str, status: int = 200, body: bytes = b"0123456789") -> None:
        self.lines: Sequence[str] = lines
        self.status = status
        self.body: bytes | Parts = body
        self.error: Exception | None = None
        self.ready = asyncio.Event()
        self.ready.set()
        self.seen: list[Exchange] = []
        self.ended = 0
        self.per_request: Callable[[Exchange], Sequence[str]] = lambda _: ()

    async def __call__(self, asked: Exchange) -> Response:
        self.seen.append(asked)
        await self.ready.wait()
        if self.error is not None:
            raise self.error
        headers = head(*self.lines, *self.per_request(asked))
        stream, content = (None, self.body) if isinstance(self.body, bytes) else (self.body, b"")
        response = Response(self.status, headers, content if asked.method != b"HEAD" else b"", stream)
        response.at_end.append(self._end)
        return response

    def _end(self) -> None:
        self.ended += 1


class Cached:
    """One route behind a cache, with a clock that a test moves."""

    def __init__(self, origin: Handler, levels: Levels | None = None, **rules: object) -> None:
        self.now = NOW
        self.told: list[str] = []
        self.levels = levels or Levels(1_000_000)
        self.fills = Fills(lambda: self.now)
        self.levels.on_invalidated.append(self.fills.forget)
        stage = cache(self.levels, self.fills, replace(RULES, **rules), self.told.append, lambda: self.now)  # type: ignore[arg-type]
        self._handler = stage(origin)

    async def get(
        self,
        *lines: str,
        target: bytes = b"/things/1",
        method: bytes = b"GET",
        host: str = "portico.test",
        scheme: bytes = b"http",
    ) -> Response:
        """The head of the answer to a request with these fields."""
        asked = exchange(method, target, head(f"Host: {host}", *lines))
        asked.scheme = scheme
        return await self._handler(asked)


async def body(response: Response) -> bytes:
    """All of it, until the one who asked has it and goes."""
    parts = [response.content]
    while response.stream is not None and (part := await response.stream.read()):
        parts.append(part)
    response.finish()
    return b"".join(parts)


def said(response: Response, name: bytes = b"cache-status") -> str | None:
    """The last line of a field."""
    found = [value for field, value in response.headers if field == name]
    return found[-1].decode() if found else None


async def turn(times: int = 10) -> None:
    """Lets other tasks go on until they wait."""
    for _ in range(times):
        await asyncio.sleep(0)
