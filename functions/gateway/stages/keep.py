"""Reads a small body whole before anything is asked of a function: so it can be sent again as it was.

A client that sends slowly then takes no place in a function either. A larger body, or one of unknown length, is not
held: it is streamed, and tried once.
"""

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from runtime.http.sizes import HELD_BODY

KEPT = HELD_BODY


def keep(largest: int = KEPT) -> Stage:
    """Bodies of up to `largest` bytes are held."""

    def stage(handler: Handler) -> Handler:
        async def kept(exchange: Exchange) -> Response:
            if exchange.body is None and exchange.length and exchange.length <= largest:
                exchange.body = await _whole(exchange)
            return await handler(exchange)

        return kept

    return stage


async def _whole(exchange: Exchange) -> bytes:
    parts = []
    while part := await exchange.read():
        parts.append(part)
    return b"".join(parts)
