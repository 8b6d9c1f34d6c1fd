"""A master, two replicas and three Sentinels that agree on who is the master: real processes, with passwords."""

import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.contract.conftest import RedisServer, redis_program
from tests.contract.functions.gateway.town import until
from tests.ports import free_port

NAME, SECRET, OTHER = "limits", "of-the-servers", "of-the-sentinels"
_SERVER = ("--requirepass", SECRET, "--masterauth", SECRET, "--repl-diskless-sync-delay", "0")
_CONFIG = """port {port}
dir {folder}
logfile {folder}/log
bind 127.0.0.1
requirepass {other}
sentinel sentinel-pass {other}
sentinel monitor {name} 127.0.0.1 {master} 2
sentinel auth-pass {name} {secret}
sentinel down-after-milliseconds {name} 500
sentinel failover-timeout {name} 5000
"""


class Sentinel:
    """One of those who watch."""

    def __init__(self, folder: Path, master: int) -> None:
        self.port = free_port()
        folder.mkdir()
        file = folder / "sentinel.conf"
        said = {"port": self.port, "folder": folder, "master": master}
        file.write_text(_CONFIG.format(**said, name=NAME, secret=SECRET, other=OTHER))
        self._process = subprocess.Popen([redis_program(), str(file), "--sentinel"])

    def hang(self) -> None:
        """Connections stay open, and are taken; nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Ends at once, also when it hangs."""
        self._process.kill()
        self._process.wait()

    async def sees(self) -> dict[str, Any]:
        """What it knows of the master; nothing where it can't be asked."""
        async with Redis(port=self.port, password=OTHER) as operator:
            try:
                seen = await operator.sentinel_master(NAME)
            except (RedisError, OSError):
                return {}
        return seen if isinstance(seen, dict) else {}


class Group:
    """Servers by their ports, and who watches them; in `folder` is room for them."""

    def __init__(self, folder: Path) -> None:
        first = self._server(folder / "0")
        self.servers = {first.port: first}
        for number in (1, 2):
            replica = self._server(folder / str(number), "--replicaof", f"127.0.0.1 {first.port}")
            self.servers[replica.port] = replica
        self.sentinels = [Sentinel(folder / f"sentinel-{number}", first.port) for number in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://:{SECRET}@{hosts}/{NAME}/0?sentinel_password={OTHER}"

    def operator(self, port: int) -> Redis:
        """A connection to one of the servers."""
        return Redis(port=port, password=SECRET)

    async def master(self) -> int:
        """The port of the server that the last Sentinel calls the master."""
        return int((await self.sentinels[-1].sees())["port"])

    async def until_watched(self) -> None:
        """Returns when every Sentinel knows the others and both replicas, which have what the master has."""
        await self._until(lambda seen: (seen.get("num-slaves"), seen.get("num-other-sentinels")) == (2, 2))
        await until(self._replicated)

    async def until_another(self, before: int) -> int:
        """Returns when every Sentinel that can be asked calls another server than `before` the master; its port."""
        await self._until(lambda seen: not seen or (seen["port"] != before and seen["flags"] == "master"))
        return await self.master()

    def end(self) -> None:
        for sentinel in self.sentinels:
            sentinel.kill()
        for server in self.servers.values():
            server.kill()

    async def _replicated(self) -> bool:
        async with self.operator(await self.master()) as master:
            return (await master.info("replication")).get("connected_slaves") == 2

    async def _until(self, so: Callable[[dict[str, Any]], bool]) -> None:
        async def all_see() -> bool:
            return all([so(await sentinel.sees()) for sentinel in self.sentinels])

        await until(all_see)

    def _server(self, folder: Path, *options: str) -> RedisServer:
        folder.mkdir()
        return RedisServer(folder, *_SERVER, *options)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Group]:
    """A group that is complete; ended at the end."""
    group = Group(folder)
    try:
        await group.until_watched()
        yield group
    finally:
        group.end()
