"""The Redis script on a clock that the test sets: the same text, but for where it reads the time."""

from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from redis.asyncio import Redis

from functions.gateway.redis.conversation import Script, connection
from functions.gateway.stages.limit import redis
from functions.gateway.stages.limit.desk import Ask, Loan
from functions.gateway.stages.limit.policy import Policies
from functions.gateway.stages.limit.redis import RedisLender
from tests.lending import asked_of

_CLOCK = "local now = clock[1] * 1000000 + clock[2]"
_EXPIRY = "math.ceil((lasts - now) / 1000) + 1"  # on Redis's own clock: a key that it takes for ended may not be


class TimedStore:
    """Buckets in a real Redis, at the time `now`; `change` plants a bug in the script."""

    def __init__(self, url: str, scratch: Path, change: tuple[str, str] = ("", "")) -> None:
        self.now = 10**10
        self.calls = 0
        self._mark = str(uuid4())
        text = Path(redis.__file__).with_name("gcra.lua").read_text()
        assert _CLOCK in text
        assert _EXPIRY in text
        assert change[0] in text
        text = text.replace(_CLOCK, f"local now = tonumber(redis.call('GET', 'clock {self._mark}'))")
        (scratch / "timed.lua").write_text(text.replace(_EXPIRY, "600000").replace(*change))
        self._operator = Redis.from_url(url)
        patient = connection(url)
        patient.socket_connect_timeout = 30  # a busy machine takes its time
        self._lender = RedisLender(patient, 30, Script(scratch / "timed.lua"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lender.close()
        await self._operator.aclose()

    def key(self, name: str) -> str:
        """A key that no other store has."""
        return f"{self._mark} {name}"

    async def lend(self, asked: Policies, keys: tuple[str, ...], ask: Ask) -> Loan:
        """Decides at `now`."""
        self.calls += 1
        await self._operator.set(f"clock {self._mark}", self.now, ex=60)
        return await asked_of(self._lender, asked, keys, ask)
