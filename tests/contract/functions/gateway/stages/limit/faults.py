"""What can befall a Redis that gateways count their limits in, and how it is made well again."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from redis.asyncio import Redis

if TYPE_CHECKING:
    from tests.contract.conftest import RedisServer

_LATE = 2.0  # seconds that a slow one takes: more than anybody waits


class Link:
    """The way to a Redis, which may become slow."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pumps = set[asyncio.Task[None]]()
        self._ends = list[asyncio.StreamWriter]()
        self.slow = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()
            with suppress(OSError):
                await end.wait_closed()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._ends.append(there_writer)
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while part := await source.read(65_536):
                if self.slow:
                    await asyncio.sleep(_LATE)
                sink.write(part)
                await sink.drain()
        sink.transport.abort()


class Redises:
    """One Redis, what befalls it, and an operator's connection past the link."""

    def __init__(self, server: "RedisServer", link: Link, folder: Path) -> None:
        self.server = server
        self.link = link
        self._folder = folder

    async def told(self, *command: str) -> None:
        async with Redis.from_url(self.server.url) as operator:
            await operator.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    async def stop(self) -> None:
        self.server.kill()

    async def start(self) -> None:
        self.server.start()

    async def hang(self) -> None:
        self.server.hang()

    async def resume(self) -> None:
        self.server.resume()

    async def slow_down(self) -> None:
        self.link.slow = True

    async def speed_up(self) -> None:
        self.link.slow = False

    async def fill(self) -> None:
        await self.told("CONFIG", "SET", "maxmemory", "1")

    async def empty(self) -> None:
        await self.told("CONFIG", "SET", "maxmemory", "0")

    async def demote(self) -> None:
        await self.told("REPLICAOF", "127.0.0.1", "1")

    async def promote(self) -> None:
        await self.told("REPLICAOF", "NO", "ONE")

    async def lose_its_disk(self) -> None:
        shutil.rmtree(self._folder)
        await self.told("CONFIG", "SET", "save", "3600 1")
        await self.told("BGSAVE")
        async with Redis.from_url(self.server.url) as operator:
            for _ in range(1000):
                if (await operator.info("persistence"))["rdb_last_bgsave_status"] != "ok":
                    return
                await asyncio.sleep(0.01)
        raise AssertionError("the snapshot did not fail")

    async def do_without_a_disk(self) -> None:
        await self.told("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")

    async def restart(self) -> None:
        self.server.kill()
        self.server.start()

    async def nothing(self) -> None:
        pass


Turn = Callable[[Redises], Awaitable[None]]

FAULTS: dict[str, tuple[Turn, Turn]] = {  # what befalls it, and how it gets well
    "stopped": (Redises.stop, Redises.start),
    "hanging": (Redises.hang, Redises.resume),
    "slow": (Redises.slow_down, Redises.speed_up),
    "full": (Redises.fill, Redises.empty),
    "read-only": (Redises.demote, Redises.promote),
    "without a disk": (Redises.lose_its_disk, Redises.do_without_a_disk),
    "restarted empty": (Redises.restart, Redises.nothing),
}
