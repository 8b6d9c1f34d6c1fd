"""Refuses what has been here before: a service that leads back to its own stack would be asked again and again.

What goes on to a service of somebody else's carries this stack's name in CDN-Loop (RFC 8586), below the names that were
there. Not in Via, which has some servers leave compression out. Who writes our name there himself is refused what he
asked, and harms nobody. A request that comes back for one of the stack's own functions ends there, and is no loop.
"""

from collections.abc import Awaitable
from hashlib import scrypt

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from runtime.http.problem import LOOP_DETECTED, Problem

CDN_LOOP = b"cdn-loop"


def loop(stack: bytes) -> Stage:
    """`stack`: the name of this stack."""
    mark = (CDN_LOOP, stack)

    def stage(handler: Handler) -> Handler:
        def once(exchange: Exchange) -> Awaitable[Response]:  # no coroutine: nothing is left to do afterwards
            for name, value in exchange.headers:
                if name == CDN_LOOP and stack in value:
                    raise Problem(LOOP_DETECTED)
            exchange.added.append(mark)
            return handler(exchange)

        return once

    return stage


def named(secret: str, issuer: str) -> bytes:
    """The name of the stack whose gateways share `secret`, and which issues its tokens as `issuer`.

    Others see the name: to try a password takes a guesser as long as it takes here, some 50 ms.
    """
    name = scrypt(secret.encode(), salt=b"portico loop " + issuer.encode(), n=2**14, r=8, p=1, dklen=16)
    return b"portico-" + name.hex().encode()
