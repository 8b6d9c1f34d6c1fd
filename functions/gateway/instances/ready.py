"""Of those that a source lists, the ones that say that they are ready.

DNS names a container from its start to its end: before it listens, and while it finishes what it has. In: a source, and
who asks an address `/readyz`. Out: a source. Whoever is new is a member once it has answered 200. A member that answers
anything else, or refuses the connection, is none any more; one that says nothing in time is left to the circuits, as
the trouble may be this gateway's. It opens no socket: the gateway's client does.
"""

import asyncio
from collections.abc import Awaitable, Callable

from functions.gateway.instances.watch import Source
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.forward.errors import ForwardError

Ask = Callable[[str], Awaitable[bool | None]]  # whether an address is ready; None: nobody knows

PATIENCE = 0.5  # seconds that an answer may take


def ready(source: Source, ask: Ask) -> Source:
    """Lists those of `source` that are ready, or were and can't be asked. Raises what `source` raises."""
    known: dict[str, frozenset[str]] = {}

    async def source_of_ready(name: str) -> frozenset[str]:
        listed = sorted(await source(name))
        said = dict(zip(listed, await asyncio.gather(*map(ask, listed)), strict=True))
        before = known.get(name, frozenset())
        known[name] = frozenset(each for each in listed if (each in before if said[each] is None else said[each]))
        return known[name]

    return source_of_ready


def asking(client: Client, patience: float = PATIENCE) -> Ask:
    """Asks over the connections that requests use; those to one that is not ready are closed."""

    async def ask(address: str) -> bool | None:
        try:
            async with asyncio.timeout(patience):
                answer = await client.send(address, b"GET", b"/readyz", [(b"host", address.encode())], b"", 0)
        except (ForwardError, TimeoutError) as error:
            if not isinstance(error.__cause__, ConnectionRefusedError):
                return None
        else:
            answer.finish()
            if answer.status == 200:
                return True
        client.forget(address)
        return False

    return ask
