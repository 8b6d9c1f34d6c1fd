"""One connection to a Redis that requests wait for: what is asked while a round trip is under way leaves in the next.

In: commands. Out: replies, or Unavailable within a bounded time. A command is never sent twice, as the first may have
had its effect.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from functions.gateway.redis import sentinel
from functions.gateway.redis.patience import Patience, Unavailable
from runtime import silence
from runtime.telemetry import log

Command = tuple[Any, ...]  # of str, bytes and int
Reply = Any  # what the script or command answers; an error reply is an instance of ResponseError
Settle = Callable[[Reply], None]  # given the reply, or Unavailable
Question = tuple[Command, Settle]

logger = log.get(__name__)

PATIENCE = 0.05  # seconds that a request may wait for Redis
_CONNECT = 0.2  # seconds for a connection that no request waits for
_NO_URL = (
    "is not the URL of a Redis; write `redis://:password@host:6379/0`, or "
    "`redis+sentinel://:password@host:26379,other:26379/name/0` where Sentinels know the master"
)


class Script:
    """A Lua script and the digest that Redis knows it by."""

    def __init__(self, file: Path) -> None:
        self.source = file.read_bytes()
        self.digest = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()


def connection(url: str) -> AbstractConnection:
    """An unconnected connection: no retries, and one timeout, for connecting; Conversation bounds every wait.

    Raises ValueError, which never says what the URL holds.
    """
    try:
        by_name = url.startswith(sentinel.SCHEME)
        options: dict[str, Any] = sentinel.parse(url) if by_name else {**parse_url(url)}
    except ValueError:
        raise ValueError(_NO_URL) from None
    kind = options.pop("connection_class", sentinel.MasterConnection if by_name else Connection)
    options |= {"socket_timeout": None, "socket_connect_timeout": _CONNECT}
    if issubclass(kind, Connection):  # and not through a Unix socket
        options |= {"socket_keepalive": True, "socket_keepalive_options": silence.options()}
    made: AbstractConnection = kind(**options, protocol=2, driver_info=None)
    return made


class Conversation:
    """Questions over one connection, which it opens when there is something to ask; `scripts` are those it may call.

    Failure policy: an error reply is Unavailable for the question that it answers; a broken connection, and a reply
    that takes longer than `patience` (seconds), for every question that waits, at once. Only NOSCRIPT is answered by
    sending again: it says that nothing ran. A connection found broken is never mended in silence, because what answers
    on a new one may have lost everything.
    """

    def __init__(self, connection: AbstractConnection, scripts: Sequence[Script], patience: float = PATIENCE) -> None:
        self._connection = connection
        self._load: list[Command] = [("SCRIPT", "LOAD", script.source) for script in scripts]
        self._patience = patience
        self._waiting: list[tuple[Callable[[], Command | None], Settle]] = []
        self._sender: asyncio.Task[None] | None = None

    def ask(self, *command: str | bytes | int) -> asyncio.Future[Reply]:
        """The reply to `command`, to be awaited; raises Unavailable."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.put(lambda: command, partial(_settle, future))
        return future

    def put(self, make: Callable[[], Command | None], settle: Settle) -> None:
        """Asks what `make` returns at the moment when the question leaves; nothing, if that is None.

        `settle` gets the reply, or Unavailable, before the next question leaves; Unavailable, too, where it raised for
        a reply that it couldn't read. Neither may wait.
        """
        self._waiting.append((make, settle))
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_waiting())

    async def open(self) -> None:
        """Gives the connection more time than a request would wait for it. Raises Unavailable."""
        try:
            async with asyncio.timeout(_CONNECT):
                await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        except (RedisError, OSError) as error:
            await self._connection.disconnect(nowait=True)
            raise Unavailable(str(error)) from error

    async def ended(self) -> bool:
        """Whether the server has ended the connection while nothing was asked; whoever asks next is given a new one."""
        if self._sender is not None or not self._connection.is_connected:
            return False
        try:
            over = await self._connection.can_read()  # nothing is to be read where nothing was asked, but the end
        except (RedisError, OSError, RuntimeError):
            over = True
        if over:
            await self._give_up([], ConnectionError("ended"))
        return over

    async def close(self) -> None:
        """Ends the connection; questions that still wait are Unavailable."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        await self._give_up([], ConnectionError("closed"))

    async def _send_waiting(self) -> None:
        asked: list[Question] = []
        spent = 0.0
        try:
            while self._waiting:
                asked = self._leaving()
                if not asked:
                    continue
                async with Patience(self._patience - spent) as patience:
                    replies = await self._exchange([command for command, _ in asked])
                spent = patience.spent  # those that came meanwhile have waited as long
                asked, settled = [], asked
                for (_, settle), reply in zip(settled, replies, strict=True):
                    _tell(settle, _unavailable(reply) if isinstance(reply, ResponseError) else reply)
                if any(isinstance(reply, ReadOnlyError) for reply in replies):
                    await self._give_up([], ReadOnlyError("no master any more"))  # connecting finds the one there is
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  whatever it is, somebody waits for each reply
            await self._give_up(asked, error)
        finally:
            self._sender = None

    def _leaving(self) -> list[Question]:
        waiting, self._waiting = self._waiting, []
        return [(command, settle) for make, settle in waiting if (command := _made(make, settle)) is not None]

    async def _give_up(self, asked: Sequence[Question], error: BaseException) -> None:
        await self._connection.disconnect(nowait=True)
        waiting, self._waiting = [*asked, *self._waiting], []
        for _, settle in waiting:
            _tell(settle, _unavailable(error))

    async def _exchange(self, commands: Sequence[Command]) -> list[Reply]:
        replies = await self._round_trip(commands)
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            await self._round_trip(self._load)
            again = await self._round_trip([commands[index] for index in unknown])
            for index, reply in zip(unknown, again, strict=True):
                replies[index] = reply
        return replies

    async def _round_trip(self, commands: Sequence[Command]) -> list[Reply]:
        # The connection's own packing is in Python, and was a third of what a question costs.
        packed = b"".join(map(hiredis.pack_command, commands))
        await self._connection.send_packed_command(packed, check_health=False)
        return [await self._reply() for _ in commands]

    async def _reply(self) -> Reply:
        try:
            return await self._connection.read_response()  # with a timeout, it takes ETIMEDOUT for a reply: None
        except ResponseError as error:
            return error


def _made(make: Callable[[], Command | None], settle: Settle) -> Command | None:
    """The command; where it can't be made its own question is Unavailable, and no other."""
    try:
        return make()
    except Exception as error:
        logger.exception("a question to Redis could not be made")
        _tell(settle, _unavailable(error))
        return None


def _tell(settle: Settle, reply: Reply) -> None:
    """A reply that can't be read is Unavailable for its own question, and keeps no other from its reply."""
    try:
        settle(reply)
    except Exception as error:
        logger.exception("a reply of Redis could not be read")
        if not isinstance(reply, Unavailable):
            _tell(settle, _unavailable(error))


def _unavailable(error: BaseException) -> Unavailable:
    return Unavailable(str(error))


def _settle(future: asyncio.Future[Reply], reply: Reply) -> None:
    if future.done():  # who asked has gone
        return
    if isinstance(reply, Unavailable):
        future.set_exception(reply)
    else:
        future.set_result(reply)
