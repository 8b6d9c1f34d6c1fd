"""Swaps an API key for a short access token of its owner: what is below, the function too, sees a token like any other.

A key comes as tokens do, as `Authorization: Bearer` (RFC 6750), so whatever keeps tokens out of logs and caches does it
for keys. What it was swapped for is kept until it expires, and asked for anew when it is refused below: its session,
which is the key's, may have ended, or its signing key been withdrawn. Who sends keys that are none pays by address, so
that he asks little of the function that knows them. Fails closed: while that is away, keys that nobody used lately
get 503.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from functions.gateway.stages.limit.permits import Permits
from functions.gateway.stages.limit.stage import Limits, guard
from functions.gateway.stages.swap.tokens import Tokens
from runtime.http.problem import UNAUTHENTICATED
from runtime.identity.verifier import Refused, Verifier, invalid
from runtime.telemetry import log
from runtime.units import Rule

Keys = Callable[[bytes], re.Match[bytes] | None]

WRONG = Limits("api-keys", {"wrong-keys": Rule.parse("60/1m burst 20 by address")})  # keys that are none

(INVALID,) = invalid("").headers  # by which functions refuse a token, before they have done anything

tell_refusal = log.Sparing(log.get(__name__).info)


def swap(tokens: Tokens, prefix: str, permits: Permits, verifier: Verifier) -> Stage:
    """`prefix`: how keys begin. `permits`: for WRONG. `verifier`: that of the tokens, below."""
    keys = credentials(prefix)

    def stage(handler: Handler) -> Handler:
        return _Swapping(handler, tokens, keys, permits, verifier)

    return stage


class _Swapping:
    """The handler of one route, below which there are no keys."""

    def __init__(self, handler: Handler, tokens: Tokens, keys: Keys, permits: Permits, verifier: Verifier) -> None:
        self._expect = verifier.expect
        self._handler = handler
        self._tokens = tokens
        self._keys = keys
        self._guarded = guard(permits, WRONG)(self._fetched)

    def __call__(self, exchange: Exchange) -> Awaitable[Response]:
        """No coroutine of its own: most requests come with a token."""
        key = presented(exchange.headers, self._keys)
        return self._handler(exchange) if key is None else self._swapped(exchange, key)

    async def _swapped(self, exchange: Exchange, key: str) -> Response:
        with _telling(exchange):
            token = self._tokens.known(key)
        if token is not None:
            sent = exchange.headers
            try:
                response = await self._handler(self._bearing(exchange, token))
            except Refused:
                self._tokens.forget(key)
            else:
                if not self._outdated(key, response) or not exchange.whole:
                    return response
                response.finish()
            exchange.headers, exchange.tried = sent, []
        return await self._guarded(exchange)

    def _outdated(self, key: str, response: Response) -> bool:
        """Whether the function believes the token no more: of a signing key that was withdrawn it may hear first."""
        if response.status != UNAUTHENTICATED.status or INVALID not in response.headers:
            return False
        self._tokens.forget(key)
        return True

    async def _fetched(self, exchange: Exchange) -> Response:
        with _telling(exchange):
            token = await self._tokens.fetch(presented(exchange.headers, self._keys) or "")
        await self._expect(token)
        return await self._handler(self._bearing(exchange, token))

    def _bearing(self, exchange: Exchange, token: str) -> Exchange:
        """With the token for the key; what else claims to be credentials stays, and is refused."""
        given = (b"authorization", b"Bearer " + token.encode())
        exchange.keyed = True
        exchange.headers = [given if presented([header], self._keys) else header for header in exchange.headers]
        return exchange


def withhold(prefix: str) -> Stage:
    """For routes that ask nobody who they are: what a client sends unasked goes on to the function, but no API key."""
    keys = credentials(prefix)

    def stage(handler: Handler) -> Handler:
        def withheld(exchange: Exchange) -> Awaitable[Response]:
            if presented(exchange.headers, keys) is not None:
                exchange.headers = [header for header in exchange.headers if not presented([header], keys)]
            return handler(exchange)

        return withheld

    return stage


def presented(headers: list[Header], keys: Keys) -> str | None:
    """The API key among `headers`, if one is there."""
    for name, value in headers:
        if name == b"authorization" and (found := keys(value)):
            return found[1].rstrip(b" ").decode("latin-1")
    return None


def credentials(prefix: str) -> Keys:
    """What finds a key that begins with `prefix` in an Authorization field (RFC 6750, section 2.1), up to its end."""
    return re.compile(rb"(?i:bearer) +(%b.*)" % re.escape(prefix.encode()), re.DOTALL).match


@contextmanager
def _telling(exchange: Exchange) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        tell_refusal("API key refused", request_id=exchange.request_id, why=refusal.why)
        raise
