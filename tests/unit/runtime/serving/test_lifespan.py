"""A life between two messages of the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from runtime.asgi import Message
from runtime.serving.lifespan import live


class Server:
    """It starts at once, and stops when it is told to."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.stop = asyncio.Event()
        self.started = asyncio.Event()
        self._begun = False

    async def receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "lifespan.startup"}
        await self.stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)
        self.started.set()


@asynccontextmanager
async def life(noted: list[str], *, fails: str = "") -> AsyncIterator[None]:
    noted.append("begun")
    if fails == "startup":
        raise OSError("no port")
    yield
    noted.append("ended")
    if fails == "shutdown":
        raise OSError("no peace")


async def test_it_begins_with_the_server_and_ends_with_it() -> None:
    server = Server()
    noted: list[str] = []
    living = asyncio.create_task(live(life(noted), server.receive, server.send))
    await server.started.wait()
    assert (noted, server.heard) == (["begun"], [{"type": "lifespan.startup.complete"}])
    server.stop.set()
    await living
    assert (noted, server.heard[1:]) == (["begun", "ended"], [{"type": "lifespan.shutdown.complete"}])


@pytest.mark.parametrize(("fails", "why"), [("startup", "no port"), ("shutdown", "no peace")])
async def test_what_fails_is_told_and_raised(fails: str, why: str) -> None:
    server = Server()
    server.stop.set()
    with pytest.raises(OSError, match=why):
        await live(life([], fails=fails), server.receive, server.send)
    assert server.heard[-1] == {"type": f"lifespan.{fails}.failed", "message": why}
