"""What a change makes worthless goes from the caches before the one who made the change hears of it (RFC 9111, 4.4).

In: where answers are kept, and how targets count on each cached route of the function. It is on every unsafe route of a
function that has a cached one. A change without an answer may have happened all the same, so its target goes then, too.
"""

from collections.abc import Collection

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from functions.gateway.stages.cache import keys
from functions.gateway.stages.cache.fields import first
from functions.gateway.stages.cache.invalidation import NOTHING, Invalidation, invalidated
from functions.gateway.stages.cache.keys import Normal
from functions.gateway.stages.cache.levels import Levels


def invalidate(levels: Levels, function: str, normals: Collection[Normal] = ()) -> Stage:
    """`function` is the one whose answers may go."""

    def stage(handler: Handler) -> Handler:
        async def invalidating(exchange: Exchange) -> Response:
            try:
                response = await handler(exchange)
            except BaseException:
                levels.invalidate_soon(keys.names(function, Invalidation((exchange.target,)), normals))
                raise
            host = first(exchange.headers, b"host") or b""
            found = invalidated(exchange.method, exchange.target, host, response.status, response.headers)
            if found != NOTHING:
                await levels.invalidate(keys.names(function, found, normals))
            return response

        return invalidating

    return stage
