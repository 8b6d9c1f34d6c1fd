"""The client's side of a request: its body, part by part, and whether the client is still there.

After a client has gone `send` never raises; only `receive()` tells. Most answers are out before it pays to ask, so
asking starts after a moment, and then cancels the request's task when the client has left.
"""

import asyncio
from math import inf

from runtime.asgi import Message, Receive
from runtime.serving.timers import Timers
from runtime.serving.unread import read_on

# Seconds. Asking is a task that is nearly always cancelled, and costs a fifth of what a request does: too much for each
# of a thousand that wait for a tenth of a second. What goes on for a client that left goes on for that much longer.
MOMENT = 0.25


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Inbound:
    """One request as it comes in; `length` is what its body was announced with, in bytes, None when chunked.

    `over`: there is no body, or it has been read to its end.
    """

    __slots__ = ("_left", "_listener", "_moments", "_receive", "_skipped", "_task", "client_left", "over")
    _moments: Timers

    def __init__(self, receive: Receive, length: int | None) -> None:
        self._receive = receive
        self._left = inf if length is None else length
        self._task: asyncio.Task[object] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._skipped = False
        self.over = length == 0
        self.client_left = False

    async def read(self) -> bytes:
        """The next part of the body, b"" at its end. Raises ClientLeft."""
        while not self.over:
            message = await self._receive()
            self._note(message)
            if self.client_left:
                raise ClientLeft
            if part := message.get("body", b""):
                return part  # type: ignore[no-any-return]  # bytes, as ASGI has it
        return b""

    def skip(self) -> None:
        """Nobody reads the body from now on: the rest is dropped as it comes, so that the client is seen to leave."""
        self._skipped = True

    async def drain(self) -> None:
        """Reads on to the end of a body that nobody wants, once it is answered; whoever leaves now ends nothing."""
        if self.over:
            return
        listener = self._listener
        self.close()
        if listener is not None:  # the server is asked by one at a time
            await asyncio.wait({listener})
        await read_on(self._receive)

    def watch(self, moments: Timers) -> None:
        """From a moment from now on, cancels the current task when the client leaves."""
        self._task = asyncio.current_task(moments.loop)
        self._moments = moments
        moments.set(self)

    def close(self) -> None:
        """Stops watching. Holds on to nothing: a cycle left behind by each request is dear to collect."""
        self._task = None
        self._moments.drop(self)
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def late(self) -> None:
        """Begins to ask, unless whoever reads the body will see the client leave."""
        if self.over or self._skipped:
            self._listener = self._moments.loop.create_task(self._listen())
        else:
            self._moments.set(self)

    async def _listen(self) -> None:
        while not self.client_left:
            self._note(await self._receive())
        if self._task is not None:
            self._task.cancel()

    def _note(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.client_left = True
            return
        # The server says with one more message that a body is over; who knows its length doesn't ask for that one.
        self._left -= len(message.get("body", b""))
        if self._left <= 0 or not message.get("more_body", False):
            self.over = True
