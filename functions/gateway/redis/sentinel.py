"""A connection to whichever Redis a group of Sentinels calls the master at the moment when it is opened.

In: a URL like `redis+sentinel://:password@one:26379,two:26379/name/0`. Out: a connection as to any other Redis. Nobody
is believed for longer than one connection lives: who notices that the master has gone opens another, and all Sentinels
are asked again, at once, so that one that is away costs no time. Source: Redis, Sentinel client spec.
"""

import asyncio
import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

SCHEME = "redis+sentinel://"

_PORT = 26379
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_PATH = re.compile(r"/([A-Za-z0-9._-]+)(?:/(\d{1,5}))?")
_PASSWORD = "sentinel_password"  # noqa: S105  the name of a parameter

Address = tuple[str, int]


def parse(url: str) -> dict[str, Any]:
    """What a MasterConnection is made with. Raises ValueError, which never says what the URL holds."""
    parts = urlsplit(url)
    userinfo, _, hosts = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    addresses = [_ADDRESS.fullmatch(host) for host in hosts.split(",")]
    path, query = _PATH.fullmatch(parts.path), parse_qs(parts.query, strict_parsing=bool(parts.query))
    if path is None or not all(addresses) or query.keys() - {_PASSWORD}:
        raise ValueError("not a URL of Sentinels")
    return {
        "sentinels": [(each[1].strip("[]"), int(each[2] or _PORT)) for each in addresses if each],
        "service": path[1],
        "sentinel_password": query.get(_PASSWORD, [None])[-1],
        "db": int(path[2] or 0),
        "username": unquote(user) or None,
        "password": unquote(password) or None,
    }


class MasterConnection(Connection):
    """Connects to the master of `service`; `sentinel_password` is what the Sentinels themselves want."""

    def __init__(
        self,
        *,
        sentinels: list[Address],
        service: str,
        sentinel_password: str | None = None,
        **options: Any,  # noqa: ANN401  as any connection has them
    ) -> None:
        super().__init__(**options)
        self._sentinels = sentinels
        self._service = service
        self._sentinel_password = sentinel_password

    async def _connect(self) -> None:
        self.host, self.port = await self._master()
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    async def _master(self) -> Address:
        """As the first Sentinel that knows it says."""
        asked = [asyncio.ensure_future(self._ask(address)) for address in self._sentinels]
        try:
            for answer in asyncio.as_completed(asked):
                if found := await answer:
                    return found
        finally:
            for each in asked:
                each.cancel()
            await asyncio.wait(asked)
        raise NotConnected(f"no Sentinel knows a master of {self._service}")

    async def _ask(self, address: Address) -> Address | None:
        host, port = address
        patience = self.socket_connect_timeout
        sentinel = Connection(
            host=host,
            port=port,
            password=self._sentinel_password,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            protocol=2,
            driver_info=None,
        )
        try:
            with suppress(RedisError, OSError):
                await sentinel.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                await sentinel.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
                if answer := await sentinel.read_response():
                    return answer[0].decode(), int(answer[1])
            return None
        finally:
            await sentinel.disconnect(nowait=True)
