"""Steady load of a few clients, and what became of every request."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx

Call = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


class Load:
    """`outcomes` counts answers by status and failures by the name of their exception."""

    def __init__(self, url: str, call: Call, clients: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.answers: list[httpx.Response] = []
        self._url = url
        self._call = call
        self._clients = clients
        self._over = threading.Event()

    @property
    def done(self) -> int:
        return self.outcomes.total()

    def run(self) -> None:
        """Until it is stopped."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Lets what is under way finish."""
        self._over.set()

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=self._clients)
        async with httpx.AsyncClient(base_url=self._url, timeout=30, limits=limits) as client:
            await asyncio.gather(*(self._work(client) for _ in range(self._clients)))

    async def _work(self, client: httpx.AsyncClient) -> None:
        while not self._over.is_set():
            try:
                answer = await self._call(client)
            except httpx.HTTPError as error:
                self.outcomes[type(error).__name__] += 1
            else:
                self.outcomes[str(answer.status_code)] += 1
                self.answers.append(answer)


@contextmanager
def under_load(url: str, call: Call, clients: int = 8) -> Iterator[Load]:
    """For the length of the block; every request that was begun has ended after it."""
    load = Load(url, call, clients)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join()


def get(path: str, headers: dict[str, str] | None = None) -> Call:
    """A plain GET."""

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path, headers=headers)

    return call
