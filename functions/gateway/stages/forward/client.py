"""The gateway's HTTP/1.1 client: one request to one instance, over pooled connections, streaming both ways.

In: an instance, a request whose fields are end to end, and its body. Out: a Response, or a ForwardError.
It never retries what may have been sent, follows no redirect, and decodes no content.
"""

import asyncio
import ssl
from collections.abc import Callable
from time import monotonic

from functions.gateway.exchange import Header, Receive, Response
from functions.gateway.stages.forward.connection import Timeouts
from functions.gateway.stages.forward.errors import Misuse, UploadFailed
from functions.gateway.stages.forward.headers import head
from functions.gateway.stages.forward.pool import Pool
from functions.gateway.stages.forward.trust import trust
from functions.gateway.stages.forward.upload import Upload

__all__ = ["IDLE_AGE", "Client", "Timeouts"]

IDLE_AGE = 1.0  # seconds


class Client:
    """Connections to every instance, kept for reuse; `pools` is for metrics.

    `idle_age`: a connection idle for longer is not used again; stay below the notice that a server gives before it
    leaves, so that none is used just as it closes, even if nobody heard of the leaving. `max_age` bounds a
    connection's life, so that new instances get their share. Both in seconds of `clock`. `per_instance` bounds open
    connections; who finds none free waits until it is cancelled, and `waited` is told for how long it did.
    """

    def __init__(  # noqa: PLR0913  all but one are said by name
        self,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 -- frozen, so that sharing it does no harm
        *,
        idle_age: float = IDLE_AGE,
        max_age: float = 300.0,
        per_instance: int = 256,
        clock: Callable[[], float] = monotonic,
        waited: Callable[[float], None] = lambda seconds: None,  # noqa: ARG005  an operator may want to know
        trust: Callable[[], ssl.SSLContext] = trust,
    ) -> None:
        self.pools: dict[str, Pool] = {}
        self._timeouts = timeouts
        self._idle_age = idle_age
        self._max_age = max_age
        self._per_instance = per_instance
        self._clock = clock
        self._waited = waited
        self._trust = trust
        self._on_connected: list[Callable[[str], None]] = []

    def on_connected(self, call: Callable[[str], None]) -> None:
        """Calls `call` with each instance that a new connection was made to, before anything is asked over it."""
        self._on_connected.append(call)

    def off_connected(self, call: Callable[[str], None]) -> None:
        """No longer does so."""
        self._on_connected.remove(call)

    async def send(
        self,
        instance: str,
        method: bytes,
        target: bytes,
        headers: list[Header],
        body: Receive | bytes,
        length: int | None,
    ) -> Response:
        """Sends a request to `instance` (see address.py) and returns its answer as soon as the head is there.

        `headers` are written as they are, in order; see `outgoing`. Framing is added from `length` (bytes; None:
        chunked), or from `body` when that is whole. The first part of a streamed body is awaited before a connection is
        taken, and for as long as the caller likes. Once an answer comes, `body` is not called again. Cancelling closes
        the connection. Raises ForwardError, and Misuse when the request would split.
        """
        if isinstance(body, bytes):
            if length is not None and length != len(body):
                raise Misuse("the body is not as long as announced")
            request, upload = head(method, target, headers, len(body)) + body, None
        elif length == 0:
            request, upload = head(method, target, headers, 0), None
        else:
            request, upload = await _begin(head(method, target, headers, length), body, length)
        pool = self.pools.get(instance)
        if pool is None:
            pool = self._pool(instance)
        connection = pool.take()
        if connection is None:
            connection = await pool.connect()
            self.connected(instance)
        return await connection.exchange(method, request, upload)

    def connected(self, instance: str) -> None:
        """Tells that somebody is there."""
        for call in self._on_connected:
            call(instance)

    def forget(self, instance: str) -> None:
        """The instance left: its idle connections close now, busy ones when they finish."""
        pool = self.pools.pop(instance, None)
        if pool is not None:
            pool.retire()

    async def close(self) -> None:
        """Closes every connection, and returns when they are closed. Those of forgotten instances still finish."""
        pools = list(self.pools.values())
        self.pools.clear()
        await asyncio.gather(*(pool.close() for pool in pools))

    def _pool(self, instance: str) -> Pool:
        pool = self.pools[instance] = Pool(
            instance,
            self._timeouts,
            idle_age=self._idle_age,
            max_age=self._max_age,
            limit=self._per_instance,
            clock=self._clock,
            waited=self._waited,
            trust=self._trust,
        )
        return pool


async def _begin(head: bytes, body: Receive, length: int | None) -> tuple[bytes, Upload | None]:
    """The head with the first part of the body, so that a small request is one write; and what is still to come."""
    upload = Upload(body, length)
    try:
        request = head + await upload.next()
    except UploadFailed as error:
        error.sent = False
        raise
    return request, None if upload.ended else upload
