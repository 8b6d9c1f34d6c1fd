"""Refuses what a route does not take: a body that is too large, an Idempotency-Key where none is honoured.

A key on a route that ignores it would promise the client what nobody keeps.
"""

from collections.abc import Awaitable

from functions.gateway.exchange import Exchange, Handler, Header, Receive, Response, Stage
from runtime.http.problem import BODY_TOO_LARGE, KEY_REFUSED, Problem

IDEMPOTENCY_KEY = b"idempotency-key"


def accept(largest: int, *, keys: bool) -> Stage:
    """`largest`: bytes of a body. `keys`: whether the route honours an Idempotency-Key."""

    def stage(handler: Handler) -> Handler:
        def accepted(exchange: Exchange) -> Awaitable[Response]:  # no coroutine: nothing is left to do afterwards
            if not keys and has_key(exchange.headers):
                raise Problem(KEY_REFUSED)
            if exchange.length is None:
                exchange.read = _counted(exchange.read, largest)
            elif exchange.length > largest:
                raise _too_large(largest)
            return handler(exchange)

        return accepted

    return stage


def has_key(headers: list[Header]) -> bool:
    """Whether a request has an Idempotency-Key."""
    return IDEMPOTENCY_KEY in dict(headers)


def _counted(read: Receive, largest: int) -> Receive:
    left = largest

    async def counted() -> bytes:
        nonlocal left
        part = await read()
        left -= len(part)
        if left < 0:
            raise _too_large(largest)
        return part

    return counted


def _too_large(largest: int) -> Problem:
    return Problem(BODY_TOO_LARGE, f"This route takes at most {largest:d} bytes.")
