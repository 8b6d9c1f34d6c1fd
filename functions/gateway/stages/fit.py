"""Sees that the head of an answer fits what stands before the gateway: to nginx a longer one is a broken gateway.

Who had it made so long doesn't matter: the answer in its place is always the same, and no mark against the instance, as
a single client may be able to ask for it. It stands outside whatever adds to a head.
"""

from functions.gateway.exchange import Exchange, Handler, Header, Response
from runtime.http.problem import MISBEHAVED, Problem
from runtime.http.sizes import ANSWER_FIELDS
from runtime.telemetry import log

tell = log.Sparing(log.get(__name__).warning)

_AROUND = len(": \r\n")


def fit(handler: Handler) -> Handler:
    """A stage; raises Problem in place of an answer whose fields have more than ANSWER_FIELDS bytes."""

    async def fitted(exchange: Exchange) -> Response:
        response = await handler(exchange)
        size = weight(response.headers) + weight(exchange.told)
        if size > ANSWER_FIELDS:
            response.finish()
            tell("answer's head is too long", request_id=exchange.request_id, bytes=size, at_most=ANSWER_FIELDS)
            raise Problem(MISBEHAVED, "The head of the function's answer is longer than can be passed on.")
        return response

    return fitted


def weight(headers: list[Header]) -> int:
    """Bytes of the lines that they become."""
    return sum([len(name) + len(value) for name, value in headers]) + _AROUND * len(headers)
