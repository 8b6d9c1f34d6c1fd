"""Level two: answers that all gateways share, in Redis, which evicts what is asked for least.

Targets are hashes, groups are epochs: an answer holds while none of its groups was invalidated after it was kept. Every
invalidation goes into one stream, which all gateways read; what began before an entry in it is never kept after it.
Whatever Redis evicts or forgets, the worst is that an answer is asked for again: what is not known to hold does not.
"""

import asyncio
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import msgspec
from redis.asyncio.connection import AbstractConnection

from functions.gateway.redis.conversation import PATIENCE, Command, Conversation, Reply, Script
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.cache.entry import Stored
from functions.gateway.stages.cache.far import Found
from functions.gateway.stages.cache.keys import Key
from functions.gateway.stages.cache.shelf import VARIANTS

STREAM = b"cache invalidations"
MOST = 10_000  # entries of invalidations that are remembered, for gateways that were away and for fills under way
_AT_ONCE = 500  # names in one call: it blocks Redis for about a millisecond
LONGEST = 24 * 3600  # seconds that an answer is kept, however long it could be of use
_EPOCH = 48 * 3600_000  # milliseconds; longer than any answer that it is about

# Gateways of two versions may share a store: neither reads what the other has written in another shape.
_SHAPE = b"%08x " % zlib.crc32(repr(msgspec.structs.fields(Stored)).encode())

_FIND, _KEEP, _INVALIDATE, _RELEASE = (
    Script(Path(__file__).with_name(f"{name}.lua")) for name in ("find", "keep", "invalidate", "release")
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Stored).decode


class RedisLevel:
    """See Far. `on_away` are called whenever Redis did not answer."""

    def __init__(self, connection: AbstractConnection, patience: float = PATIENCE) -> None:
        self._redis = Conversation(connection, (_FIND, _KEEP, _INVALIDATE, _RELEASE), patience)
        self.on_away: list[Callable[[], None]] = []
        self._me = uuid4().bytes

    def find(self, key: Key, settle: Callable[[Found | None], None]) -> None:
        command = ("EVALSHA", _FIND.digest, 2, entry(key), STREAM)

        def answer(reply: Reply) -> None:
            settle(None if self._is_away(reply) else _found(reply))

        self._redis.put(lambda: command, answer)

    def keep(self, key: Key, tags: Collection[bytes], stored: Stored, moment: bytes) -> None:
        lasts = min(stored.kept_until - stored.received, LONGEST)
        if lasts <= 0:
            return

        def command() -> Command:  # packed when it leaves
            what = field(stored), _encode(stored), int(lasts * 1000) + 1
            return "EVALSHA", _KEEP.digest, 2, entry(key), STREAM, moment, *what, VARIANTS, _EPOCH, key, *tags

        self._redis.put(command, self._heed)

    def drop(self, key: Key, outdated: Collection[Stored]) -> None:
        if outdated:
            command = ("HDEL", entry(key), *map(field, outdated))
            self._redis.put(lambda: command, self._heed)

    async def invalidate(self, names: Collection[bytes]) -> bool:
        told = [*names]
        for start in range(0, len(told), _AT_ONCE):
            some = told[start : start + _AT_ONCE]
            if await self._asked("EVALSHA", _INVALIDATE.digest, 1, STREAM, MOST, _EPOCH, *some) is None:
                return False
        return True

    async def clear(self) -> bool:
        """Forgets everything, as every gateway then does; False when Redis did not answer.

        Twice: first for answers under way, which are not kept any more, then for who has found one meanwhile.
        """
        return await self._truncated() and await self._emptied() and await self._truncated()

    async def claim(self, name: bytes, seconds: float) -> bool:
        reply = await self._asked("SET", _claim(name), self._me, "NX", "GET", "PX", int(seconds * 1000) + 1)
        return reply is None or reply == self._me  # nobody had it, or nobody knows

    def release(self, name: bytes) -> None:
        command = ("EVALSHA", _RELEASE.digest, 1, _claim(name), self._me)
        self._redis.put(lambda: command, self._heed)

    async def close(self) -> None:
        """Ends the connection; what was to be kept may not be."""
        await self._redis.close()

    async def _truncated(self) -> bool:
        """A stream that has lost what was in it has every gateway forget everything."""
        return await self._asked("XADD", STREAM, "MAXLEN", 1, "*", "since", "") is not None

    async def _emptied(self) -> bool:
        cursor = b"0"
        while (page := await self._asked("SCAN", cursor, "MATCH", entry(b"* /*"), "COUNT", 1000)) is not None:
            cursor, names = page
            if names and await self._asked("UNLINK", *names) is None:
                break
            if cursor == b"0":
                return True
        return False

    async def _asked(self, *command: str | bytes | int) -> Reply | None:
        try:
            return await self._redis.ask(*command)
        except Unavailable:
            self._lost()
            return None

    def _heed(self, reply: Reply) -> None:
        self._is_away(reply)

    def _is_away(self, reply: Reply) -> bool:
        if isinstance(reply, Unavailable):
            self._lost()
            return True
        return False

    def _lost(self) -> None:
        for tell in self.on_away:
            tell()


class Invalidations:
    """The stream of all gateways' invalidations, read from now on; `pause`: seconds that one reading waits for more."""

    def __init__(self, connection: AbstractConnection, pause: float, patience: float) -> None:
        self._redis = Conversation(connection, (_FIND,), pause + patience)
        self._pause = int(pause * 1000)
        self._last = b""

    async def read(self) -> list[bytes] | None:
        """What was invalidated since the last time; None when that can't be told. Raises Unavailable."""
        if not self._last:
            self._last, *_ = await self._redis.ask("EVALSHA", _FIND.digest, 2, b"cache", STREAM)
            return None
        waiting = self._redis.ask("XREAD", "BLOCK", self._pause, "STREAMS", STREAM, self._last)
        oldest = self._redis.ask("XRANGE", STREAM, "-", "+", "COUNT", 1)
        came, first = await asyncio.gather(waiting, oldest)
        if not first or _order(first[0][0]) > _order(self._last):
            self._last = b""
            return await self.read()
        if came is None:
            return []
        told = came[0][1]
        self._last = told[-1][0]
        return [name for _, fields in told for name in fields[1::2]]

    async def close(self) -> None:
        await self._redis.close()


def entry(key: Key) -> bytes:
    """The name of a target's hash; the scripts know its beginning, too."""
    return b"cache " + key


def field(stored: Stored) -> bytes:
    """The name of an answer in it."""
    return _SHAPE + blake2b(stored.variant, digest_size=16).digest()


def _claim(name: bytes) -> bytes:
    return b"claim " + name


def _found(reply: Sequence[bytes]) -> Found:
    moment, *pairs = reply
    found = sorted(_answers(pairs), key=lambda stored: stored.received, reverse=True)
    return Found(found, moment)


def _answers(pairs: Sequence[bytes]) -> Iterator[Stored]:
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if name.startswith(_SHAPE):
            with suppress(msgspec.DecodeError):  # what can't be read isn't there
                yield _decode(value)


def _order(moment: bytes) -> tuple[int, ...]:
    return tuple(map(int, moment.split(b"-")))
