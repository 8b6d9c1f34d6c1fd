"""The innermost stage: sends the request to the instance that was chosen, and brings the answer.

The only place where a failure of an instance gets its name as a problem; nothing above it knows the client's errors.
"""

from functions.gateway.exchange import Exchange, Handler, Response
from functions.gateway.stages.forward import errors
from functions.gateway.stages.forward.client import Client
from functions.gateway.stages.forward.headers import addressed, outgoing
from runtime.http.problem import DEADLINE_EXCEEDED, MALFORMED, MISBEHAVED, UNREACHABLE, Kind, Problem
from runtime.telemetry import log

logger = log.get(__name__)

_KINDS: dict[type[errors.ForwardError], Kind] = {
    errors.ConnectFailed: UNREACHABLE,
    errors.ConnectionStale: UNREACHABLE,
    errors.ConnectionBroken: UNREACHABLE,
    errors.HeadTimeout: DEADLINE_EXCEEDED,
    errors.IdleTimeout: MISBEHAVED,
    errors.Misbehaved: MISBEHAVED,
}


class InstanceFailed(Problem):
    """An attempt that brought no answer; `sent`: the instance may have acted on the request."""

    def __init__(self, kind: Kind, *, sent: bool) -> None:
        super().__init__(kind)
        self.sent = sent


def forward(client: Client, host: bytes = b"") -> Handler:
    """Forwards target and headers as they came, less what ends at this hop (RFC 9110, section 7.6.1).

    `host`: what a service of somebody else's is called, and wants to be asked as.
    """

    async def forwarded(exchange: Exchange) -> Response:
        headers = outgoing(exchange.headers)
        if host:
            headers = addressed(headers, host)
        headers += exchange.added
        if exchange.deadline is not None:
            headers.append(exchange.deadline.header())
        body = exchange.read if exchange.body is None else exchange.body
        try:
            return await client.send(
                exchange.instance, exchange.method, exchange.target, headers, body, exchange.length
            )
        except errors.UploadFailed as failed:
            raise failed.__cause__ or Problem(MALFORMED, "The body ended early, or stopped coming.") from None
        except errors.ForwardError as error:
            # Why is for the operator: it names addresses that are no client's business.
            logger.warning(
                "upstream failed", upstream=exchange.instance, request_id=exchange.request_id, why=str(error)
            )
            raise InstanceFailed(_KINDS[type(error)], sent=error.sent) from error

    return forwarded
