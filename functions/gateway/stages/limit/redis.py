"""Buckets that all gateways share, in Redis and on its clock: one script call a question, one round trip for all.

In: questions. Out: loans, or Unavailable within 50 ms.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from redis.asyncio.connection import AbstractConnection

from functions.gateway.redis.conversation import PATIENCE, Command, Conversation, Reply, Script
from functions.gateway.redis.patience import Unavailable
from functions.gateway.stages.limit.desk import LIFE, SLOT, Ask, Loan
from functions.gateway.stages.limit.policy import MICROSECONDS, Policies

PREFIX = "limit "  # of every key, so that a store may be shared and a person sees what is there
_MOMENT = PREFIX + "return"  # when those who are away come back
_CHUNK = 500  # buckets in one call of the seeding script: it blocks Redis for less than a millisecond

_GCRA = Script(Path(__file__).with_name("gcra.lua"))
_SEED = Script(Path(__file__).with_name("seed.lua"))
_MEET = Script(Path(__file__).with_name("meet.lua"))


class RedisLender:
    """Buckets in Redis; a question is never sent twice, as the first may have counted."""

    def __init__(
        self,
        connection: AbstractConnection,
        patience: float = PATIENCE,
        script: Script = _GCRA,
    ) -> None:
        self._script = script
        self._redis = Conversation(connection, (script, _SEED, _MEET), patience)

    def ask(
        self,
        policies: Policies,
        keys: tuple[str, ...],
        make: Callable[[], Ask | None],
        settle: Callable[[Loan | Unavailable], None],
    ) -> None:
        """Puts a question to Redis."""

        def command() -> Command | None:
            ask = make()
            return None if ask is None else self._command(policies, keys, ask)

        def answer(reply: Reply) -> None:
            settle(reply if isinstance(reply, Unavailable) else _loan(*reply))

        self._redis.put(command, answer)

    def _command(self, policies: Policies, keys: tuple[str, ...], ask: Ask) -> Command:
        names = [(PREFIX + key).encode() for key in keys]
        values = [value for bucket in policies.buckets for value in bucket]
        lease = ask.slot, ask.lent, ask.unused
        return "EVALSHA", self._script.digest, len(keys), *names, ask.need, ask.ahead, LIFE, SLOT, *lease, *values

    async def meet(self, within: float) -> float:
        """Seconds until all who are away come back: `within`, if nobody has said when. Raises Unavailable.

        Writes in any case, so that a Redis which answers but takes no writes is told from one that is back.
        """
        await self._redis.open()
        left: int = await self._redis.ask("EVALSHA", _MEET.digest, 1, _MOMENT, int(within * MICROSECONDS))
        return left / MICROSECONDS

    async def seed(self, debts: Mapping[str, int]) -> None:
        """Empties each bucket so far that it is full in no less than its `debt` (microseconds). Raises Unavailable."""
        items = [*debts.items()]
        for start in range(0, len(items), _CHUNK):
            keys, values = zip(*items[start : start + _CHUNK], strict=True)
            names = ((PREFIX + key).encode() for key in keys)
            await self._redis.ask("EVALSHA", _SEED.digest, len(keys), *names, *values)

    async def lost(self) -> bool:
        """Whether the connection has ended while nothing was asked."""
        return await self._redis.ended()

    async def flush(self) -> None:
        """Returns when everything that was asked before is answered."""
        with suppress(Unavailable):
            await self._redis.ask("PING")

    async def close(self) -> None:
        """Ends the connection; questions that still wait are Unavailable."""
        await self._redis.close()


def _loan(now: int, taken: int, lent: int, slot: int, spare: int, *tats: int) -> Loan:
    return Loan(now, taken, lent, slot, spare, tats)
