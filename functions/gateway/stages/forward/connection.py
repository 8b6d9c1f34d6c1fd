"""One connection to an instance: writes a request, reads its answer, one exchange at a time.

In: a request's bytes, and perhaps an Upload that is still coming. Out: a Response, its stream, or a ForwardError.
What bytes mean is decided in answer.py; when a connection may be used again, in pool.py. It never retries.

An exchange has one waiter (a future) at a time and no timer of its own: `deadline` says when it is overdue, and the
pool's sweep calls `expire`. Everything that goes wrong passes through `_fail`, which closes the socket at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Protocol, cast

from functions.gateway.exchange import Response
from functions.gateway.stages.forward.answer import Answer
from functions.gateway.stages.forward.errors import (
    ConnectionBroken,
    ConnectionStale,
    ForwardError,
    HeadTimeout,
    IdleTimeout,
    Misbehaved,
    UploadFailed,
)
from functions.gateway.stages.forward.headers import incoming, of_events
from functions.gateway.stages.forward.upload import Upload
from runtime import silence

HIGH_WATER = 64 * 1024  # bytes received and not taken; above it the socket is not read


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for an instance, in seconds.

    `connect` is for one dial; `head` runs from the last byte of the request to the head of the answer; `idle` is
    between two parts of a body, either way; `events` between two of a stream of events, whose silence says nothing.
    Only `connect` is exact: the others are checked by a sweep, and noticed up to an eighth of the shortest of them
    late, at most a second.
    """

    connect: float = 0.5
    head: float = 60.0
    idle: float = 30.0
    events: float = 3600.0


class Owner(Protocol):
    """Who keeps a connection between exchanges."""

    def admit(self, connection: "Connection") -> None: ...
    def release(self, connection: "Connection") -> None: ...
    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """A socket and the answer that is being read from it. `deadline` and `born` are in seconds of `clock`."""

    __slots__ = (
        "_answer", "_buffered", "_clock", "_drained", "_error", "_idle", "_large", "_loop", "_owner", "_paused",
        "_reused", "_timeouts", "_transport", "_upload", "_waiter", "born", "busy", "deadline",
    )  # fmt: skip
    _transport: asyncio.Transport

    def __init__(self, owner: Owner, timeouts: Timeouts, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._timeouts = timeouts
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._answer = Answer()
        self._waiter: asyncio.Future[None] | None = None
        self._upload: asyncio.Task[None] | None = None  # stays when it was stopped: the request is incomplete then
        self._drained: asyncio.Future[None] | None = None
        self._error: ForwardError | None = None
        self._buffered = 0
        self._paused = self._reused = self._large = self.busy = False
        self.born = clock()
        self.deadline = self.born + timeouts.connect  # until a request has it

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    async def exchange(self, method: bytes, request: bytes, upload: Upload | None) -> Response:
        """Writes `request` (its head and what is there of its body), then `upload`; returns the answer to it.

        Cancelling closes the socket. Raises ForwardError.
        """
        self._answer.expect(method)
        self.busy = True
        self._idle = self._timeouts.idle
        self.deadline = self._clock() + self._timeouts.head
        if self._large is not (large := upload is not None or len(request) > silence.READ_AT_ONCE):
            self._large = large
            seconds = self._timeouts.idle if large else silence.UNACKNOWLEDGED
            silence.unread(self._transport.get_extra_info("socket"), seconds)
        self._transport.write(request)
        if upload is not None:
            self._upload = self._loop.create_task(self._send(upload))
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        return self._response()

    async def part(self) -> bytes:
        """The next part of the answer's content, b"" at its end. Raises ForwardError."""
        answer = self._answer
        while not answer.parts and not answer.complete:
            if self._error is not None:
                raise self._error
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._take()

    def finish(self) -> bool:
        """Ends the exchange if its answer is complete: back to the pool, or closed. Returns whether it is."""
        answer = self._answer
        if not answer.complete:
            return False
        self.busy = False
        if answer.keep_alive and self._upload is None and not self._transport.is_closing():
            self._reused = True
            self._owner.release(self)
        else:
            self.abort()
        return True

    def abort(self) -> None:
        """Closes the socket at once, whatever is under way."""
        if self._upload is not None:
            self._upload.cancel()
        self._transport.abort()

    def expire(self) -> None:
        """The deadline has passed: an idle connection is too old, a busy one waits for too long."""
        if self.busy:
            self._fail(self._overdue())
        else:
            self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but ancestry
        self._owner.admit(self)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer.complete:  # nobody asked for these bytes, so nobody may take them for an answer
            self._transport.abort()
            return
        try:
            complete = answer.feed(data)
        except Misbehaved as error:
            self._fail(error)
            return
        if complete:
            self._settle()
        elif answer.headed:
            self._flow(len(data))

    def eof_received(self) -> None:
        if self._answer.end() and self.busy:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(self)
        if not self._answer.complete:
            stale = self._reused and not self._answer.started
            error = ConnectionStale if stale else ConnectionBroken
            self._fail(error(str(exc) if exc else "the instance closed the connection"))

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    async def _send(self, upload: Upload) -> None:
        try:
            while not upload.ended:
                self.deadline = self._clock() + self._timeouts.idle
                self._transport.write(await upload.next())
                if self._drained is not None:
                    await self._drained
        except UploadFailed as error:
            self._fail(error)
        else:
            self._upload = None
            self.deadline = self._clock() + self._timeouts.head

    def _response(self) -> Response:
        answer = self._answer
        if self._error is not None and not answer.complete:
            raise self._error
        headers = incoming(answer.headers)
        content = self._take()
        if self.finish():
            return Response(answer.status, headers, content)
        if of_events(headers):
            self._idle = self._timeouts.events
            self.deadline = self._clock() + self._idle
        return Response(answer.status, headers, content, Body(self))

    def _settle(self) -> None:
        self.deadline = inf
        self._stop_upload()
        self._wake()

    def _flow(self, size: int) -> None:
        self.deadline = self._clock() + self._idle
        self._stop_upload()
        self._buffered += size
        if self._buffered > HIGH_WATER and not self._paused:
            self._paused = True
            self.deadline = inf  # it is ours to go on
            self._transport.pause_reading()
        self._wake()

    def _take(self) -> bytes:
        self._buffered = 0
        if self._paused:
            self._paused = False
            self.deadline = self._clock() + self._idle
            self._transport.resume_reading()
        return self._answer.take()

    def _stop_upload(self) -> None:
        """Once an answer comes nobody reads the client's body any more: whoever gets the answer may."""
        if self._upload is not None:
            self._upload.cancel()

    def _overdue(self) -> ForwardError:
        if self._answer.headed:
            return IdleTimeout("the answer's body stopped coming")
        if self._upload is None:
            return HeadTimeout("no answer in time")
        if self._drained is not None:
            return IdleTimeout("the instance stopped taking the body")
        return UploadFailed("the client's body stopped coming")

    def _fail(self, error: ForwardError) -> None:
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Body:
    """The rest of an answer's content; a Stream. It lets go of the connection with the last part."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    @property
    def ended(self) -> bool:
        """Whether the last part has been read."""
        return self._connection is None

    async def read(self) -> bytes:
        """The next part, as soon as it is there; b"" at the end. Raises ForwardError when it breaks off."""
        connection = self._connection
        if connection is None:
            return b""
        part = await connection.part()
        if connection.finish():
            self._connection = None
        return part

    def close(self) -> None:
        """Closes the socket at once, unless everything has arrived; harmless when called again."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.finish():
            connection.abort()
