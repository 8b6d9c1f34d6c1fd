"""The connections to one instance: which may be used again, how many there may be, and which are overdue.

In: an instance's address and the times that apply. Out: a connection that is free, or ConnectFailed.
It never looks at requests or answers. One coarse timer serves every timeout, and runs only while something is open.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

from functions.gateway.stages.forward.address import parse
from functions.gateway.stages.forward.connection import Connection, Timeouts
from functions.gateway.stages.forward.errors import ConnectFailed
from runtime import silence
from runtime.serving.background import Beat

_HANDSHAKE = 4  # times the time of a plain dial: TLS goes to and fro thrice, and to places further away


class Pool:
    """Connections to `instance` (see address.py), at most `limit` at once. Ages are in seconds of `clock`."""

    __slots__ = (
        "_address",
        "_clock",
        "_connections",
        "_dialling",
        "_emptied",
        "_idle",
        "_idle_age",
        "_instance",
        "_limit",
        "_max_age",
        "_queue",
        "_retired",
        "_sweeper",
        "_timeouts",
        "_trust",
        "_waited",
    )

    def __init__(  # noqa: PLR0913  the last six are said by name
        self,
        instance: str,
        timeouts: Timeouts,
        *,
        idle_age: float,
        max_age: float,
        limit: int,
        clock: Callable[[], float],
        waited: Callable[[float], None],
        trust: Callable[[], ssl.SSLContext],
    ) -> None:
        self._instance = instance
        self._address = parse(instance)
        self._timeouts = timeouts
        self._idle_age = idle_age
        self._max_age = max_age
        self._limit = limit
        self._clock = clock
        self._waited = waited
        self._trust = trust
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []  # the one used last at the end, and first to be used again
        self._dialling = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._retired = False
        shortest = min(timeouts.head, timeouts.idle, idle_age)
        self._sweeper = Beat("connections", self._sweep, min(1.0, shortest / 8))
        self._emptied: asyncio.Future[None] | None = None

    @property
    def open(self) -> int:
        """Connections there are, or are being made."""
        return len(self._connections) + self._dialling

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def in_use(self) -> int:
        """Connections that serve a request, or are being made for one."""
        return self.open - self.idle

    def take(self) -> Connection | None:
        """A connection that can be used at once, if there is one."""
        now = self._clock()
        while self._idle:
            connection = self._idle.pop()
            if connection.deadline > now and not connection.closing:
                return connection
            connection.abort()
        return None

    async def connect(self) -> Connection:
        """A new connection; when there are `limit` already, whichever becomes free first. Raises ConnectFailed.

        Waiting for a free one is no fault of the instance's: it has no bound but that of who waits.
        """
        while self.open >= self._limit:
            await self._turn()
            if (connection := self.take()) is not None:
                return connection
        try:
            async with asyncio.timeout(self._timeouts.connect * (_HANDSHAKE if self._address.name else 1)):
                return await self._dial()
        except OSError as error:
            raise ConnectFailed(f"{self._instance}: {str(error) or 'not connected in time'}") from error

    def retire(self) -> None:
        """The instance left: idle connections close now, busy ones when they finish."""
        self._retired = True
        while self._idle:
            self._idle.pop().abort()

    async def close(self) -> None:
        """Closes every connection, busy ones too, and returns when they are closed."""
        self.retire()
        if self._connections:
            self._emptied = asyncio.get_running_loop().create_future()
            for connection in list(self._connections):
                connection.abort()
            await self._emptied

    def admit(self, connection: Connection) -> None:
        """A connection has been made."""
        self._connections.add(connection)
        self._sweeper.start()

    def release(self, connection: Connection) -> None:
        """A connection has finished its exchange, and may serve another."""
        now = self._clock()
        retires = connection.born + self._max_age
        if self._retired or now >= retires:
            connection.abort()
            return
        connection.deadline = min(now + self._idle_age, retires)
        self._idle.append(connection)
        if self._queue:
            self._call_next()

    def lost(self, connection: Connection) -> None:
        """A connection has closed, for whatever reason."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._call_next()
        if not self._connections:
            self._rest()

    async def _dial(self) -> Connection:
        host, port, name = self._address
        connection = Connection(self, self._timeouts, self._clock)
        self._dialling += 1
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: connection,
                host,
                port,
                ssl=self._trust() if name else None,
                server_hostname=name or None,
            )
        except BaseException:
            self.lost(connection)  # uvloop closes one that is made just as its request gives up, and never tells
            raise
        finally:
            self._dialling -= 1
        if connection.closing:
            raise ConnectFailed(f"{self._instance}: closed as soon as it was opened")
        silence.watch(transport.get_extra_info("socket"))
        return connection

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        began = self._clock()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # called, but gone: the next one may
                self._call_next()
            raise
        finally:
            self._waited(self._clock() - began)

    def _call_next(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _sweep(self) -> None:
        now = self._clock()
        for connection in [each for each in self._connections if each.deadline <= now]:
            try:
                connection.expire()
            except Exception:  # whatever is wrong with one, the others' time is over as well, at the next sweep
                self.lost(connection)
                raise

    def _rest(self) -> None:
        self._sweeper.stop()
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
