"""Members from DNS: containers, where a service's name resolves to the addresses of its running instances, and services
that are somebody else's to run, at whatever addresses the name in their URL has. Who is alive there only requests tell.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from functions.gateway.instances.watch import Source
from functions.gateway.stages.forward.address import Address
from runtime.http.url import Url

Resolve = Callable[..., Awaitable[list[tuple[Any, ...]]]]  # as `loop.getaddrinfo`, and raising what it raises

DNS_INTERVAL = 1.0  # seconds between two questions; the engine's resolver answers from memory
LOCATED_INTERVAL = 5.0  # seconds between two questions that may go far
_PATIENCE = 2.0  # seconds that a gateway's start may wait for a resolver that doesn't answer
_NOBODY = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def dns(port: int, hosts: Mapping[str, str] | None = None, resolve: Resolve | None = None) -> Source:
    """Lists the IPv4 addresses of a name, all of which listen on `port`. Raises OSError when the resolver can't say.

    `hosts`: what is looked up for a name, if that is not its own. `resolve`: what is asked; the running loop's
    `getaddrinfo` unless said otherwise.
    """
    hosts = hosts or {}

    async def source(name: str) -> frozenset[str]:
        found = await _asked(resolve, hosts.get(name, name), port, socket.AF_INET)
        return frozenset(f"{address[0]!s}:{port}" for *_, address in found)

    return source


def located(urls: Mapping[str, Url], resolve: Resolve | None = None) -> Source:
    """Lists the addresses of `urls[name]`: IPv6 where there is no IPv4. Raises OSError when the resolver can't say."""

    async def source(name: str) -> frozenset[str]:
        url = urls[name]
        async with asyncio.timeout(_PATIENCE):
            found = await _asked(resolve, url.host, url.port, socket.AF_UNSPEC)
        usual = [each for each in found if each[0] == socket.AF_INET] or found
        return frozenset(str(Address(each[4][0], url.port, url.host if url.secure else "")) for each in usual)

    return source


async def _asked(resolve: Resolve | None, name: str, port: int, family: int) -> list[tuple[Any, ...]]:
    """What there is, nothing if nobody has the name. Raises OSError."""
    ask = resolve or asyncio.get_running_loop().getaddrinfo
    try:
        return await ask(name, port, family=family, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NOBODY:
            return []
        raise
