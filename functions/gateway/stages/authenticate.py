"""Lets nobody in without a valid token, and says who it is.

A token is verified once; its verdict is remembered until it expires, or its session ends. Fails closed: without keys to
check with, 503. Why a token is refused is for the log; the client learns no more than RFC 6750 has it.
"""

from collections.abc import Container

from functions.gateway.exchange import Exchange, Handler, Response, Stage
from runtime.http.problem import FORBIDDEN, Problem
from runtime.identity.verifier import Refused, Verifier, bearer, invalid
from runtime.telemetry import log

tell_refusal = log.Sparing(log.get(__name__).info)


def authenticate(verifier: Verifier, role: str | None = None, ended: Container[str] = frozenset()) -> Stage:
    """`role`: the only role that may pass; None for everyone with a token. `ended`: sessions that have."""

    def stage(handler: Handler) -> Handler:
        async def authenticated(exchange: Exchange) -> Response:
            try:
                token = bearer(_authorization(exchange))
                exchange.principal = principal = verifier.known(token) or await verifier.verify(token)
                if principal.session in ended:
                    raise invalid("its session has ended", "The session has ended.")
            except Refused as refusal:
                tell_refusal("token refused", request_id=exchange.request_id, why=refusal.why)
                raise
            if role is not None and principal.role != role:
                raise Problem(FORBIDDEN, headers=[(b"www-authenticate", b'Bearer error="insufficient_scope"')])
            return await handler(exchange)

        return authenticated

    return stage


def _authorization(exchange: Exchange) -> bytes | None:
    """Two of them might be judged here by the one, and by the function by the other."""
    values = [value for name, value in exchange.headers if name == b"authorization"]
    if len(values) > 1:
        raise invalid("it came twice")
    return values[0] if values else None
