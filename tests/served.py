"""An application as a server runs it, without a socket: its lifespan begun and ended, and a client on the same loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from httpx import ASGITransport, AsyncClient

from runtime.asgi import ASGIApp, Message

Messages = asyncio.Queue[Message]


class NotStarted(Exception):
    """What the application gave as the reason."""


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[AsyncClient]:
    """A client of `app`, in its lifespan, whose calls run side by side. Raises NotStarted."""
    said, heard = Messages(), Messages()
    life = asyncio.create_task(_live(app, said, heard))
    await said.put({"type": "lifespan.startup"})
    answer = await heard.get()
    if answer["type"] != "lifespan.startup.complete":
        await life
        raise NotStarted(answer["message"])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://portico.example") as client:
        yield client
    await said.put({"type": "lifespan.shutdown"})
    await life


async def _live(app: ASGIApp, said: Messages, heard: Messages) -> None:
    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, said.get, heard.put)
