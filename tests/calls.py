"""A call as a server makes it, without a socket: what the client has sent, what it gets, and when it leaves."""

import asyncio
from typing import Any

from functions.gateway.exchange import Header
from runtime.asgi import Message


class Server:
    """The server's side of one call: what the client has sent, and what it gets."""

    def __init__(self, *body: bytes) -> None:
        self._body = list(body)
        self._gone = asyncio.Event()
        self.got: list[Message] = []
        self.begun = asyncio.Event()

    async def receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(0), "more_body": True}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.append(message)
        self.begun.set()

    def leave(self) -> None:
        self._gone.set()

    @property
    def status(self) -> int:
        status: int = self.got[0]["status"]
        return status

    @property
    def headers(self) -> list[Header]:
        headers: list[Header] = self.got[0]["headers"]
        return headers

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.got[1:])

    @property
    def complete(self) -> bool:
        return not self.got[-1]["more_body"]


class Stream:
    """Gives these parts, then raises, or waits when there is nothing to raise; it may know the last."""

    def __init__(self, *parts: bytes, then: Exception | None = None, ends: bool = False) -> None:
        self._parts = list(parts)
        self._then = then
        self._ends = ends
        self.closed = False

    @property
    def ended(self) -> bool:
        return not self._parts and self._ends

    async def read(self) -> bytes:
        if self._parts:
            return self._parts.pop(0)
        if self._then is not None:
            raise self._then
        await asyncio.Event().wait()
        return b""

    def close(self) -> None:
        self.closed = True


def scope(method: str = "GET", path: str = "/things/1", query: bytes = b"", *headers: Header) -> dict[str, Any]:
    """What the server says of a call; its Host is there unless `headers` have one."""
    raw = path.encode()
    host = [] if b"host" in dict(headers) else [(b"host", b"portico.example")]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": raw,
        "query_string": query,
        "headers": [*host, *headers],
        "client": ("192.0.2.1", "1234"),
    }
