"""ASGI <-> Exchange: where a request enters the pipeline and its answer leaves.

Here is the single `except` that turns a Problem into a response. It reads no policy and knows no instance.
"""

import asyncio
from collections.abc import Collection, Sequence

from functions.gateway import wire
from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from functions.gateway.inbound import MOMENT, ClientLeft, Inbound
from functions.gateway.outbound import ReadsTooSlowly, lively, pass_on, streaming
from functions.gateway.routes import Route
from functions.gateway.stages.cors import asked_for
from functions.gateway.table import Table
from runtime.asgi import Receive, Scope, Send
from runtime.http.problem import INTERNAL, MEDIA_TYPE, METHOD_NOT_ALLOWED, MISBEHAVED, NO_SUCH_ROUTE, Problem
from runtime.manifest import Policy
from runtime.serving.timers import Timers
from runtime.serving.unread import announced
from runtime.telemetry import log

logger = log.get(__name__)
tell_left, tell_slow, tell_cut = log.Sparing(logger.info), log.Sparing(logger.info), log.Sparing(logger.warning)
tell_refused, tell_failed = log.Sparing(logger.info), log.Sparing(logger.warning)

Served = tuple[Route, Handler]

NOWHERE = Route("gateway", "", "", Policy())
BROKEN_OFF = wire.Refused("The body broke off, or its chunks are not framed as RFC 9112 has it.")
_PROXY_ERRORS = {
    401: b"http_request_denied",
    403: b"http_request_denied",
    429: b"http_request_denied",
    500: b"proxy_internal_error",
    502: b"destination_unavailable",
    503: b"destination_unavailable",
    504: b"http_response_timeout",
    508: b"proxy_loop_detected",
}
_OUR_FAULT = 500
_OURS = frozenset({b"x-request-id", b"x-instance", b"server"})
# Before there is a route nobody has said whose pages may read; such a problem tells no more than was asked.
_TO_ANY_PAGE = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Allow, X-Request-Id"))


class Edge:
    """Serves what `table` holds, and refuses the rest once it is `identified`. `always` is on every answer.

    Another table may be put in its place: whoever has been found in one ends there.
    """

    def __init__(self, table: Table[Served], identified: Stage, always: Sequence[Header]) -> None:
        self.table = table
        self._identified = identified
        self._always = always
        self._moments = Timers(MOMENT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, whole. A client that leaves ends everything that was done for it."""
        try:
            coming = length = wire.length(scope["raw_path"], scope["headers"])
            route, handler = self._find(scope["path"], scope["method"], scope["headers"])
        except wire.Refused as refused:
            length, (route, handler) = 0, self._nowhere(refused)
            coming = None if announced(scope["headers"]) else 0
        inbound = Inbound(receive, coming)
        exchange = _exchange(scope, route, inbound, length)
        inbound.watch(self._moments)
        try:
            response = await _answer(exchange, handler)
            inbound.skip()
            try:
                await self._deliver(exchange, response, send)
            except Exception:  # what was sent of a cut answer would be lost with a connection that is reset
                await inbound.drain()
                raise
            await inbound.drain()
        except (ClientLeft, asyncio.CancelledError) as error:
            if not inbound.client_left:
                raise
            if isinstance(error, ClientLeft):  # the server says so, too, of a body whose chunks are broken
                await self._deliver(exchange, _refusal(BROKEN_OFF, exchange), send)
            tell_left("client left", request_id=exchange.request_id, route=route.template)
        finally:
            inbound.close()

    async def _deliver(self, exchange: Exchange, response: Response, send: Send) -> None:
        """Raises what breaks the stream: the server then ends the connection, and the client sees a cut answer.

        It does the same where an answer just isn't ended, which fills no log: for what clients do, that is enough.
        """
        try:
            await self._send(exchange, response, send)
        except ReadsTooSlowly:
            tell_slow("client reads too slowly", request_id=exchange.request_id, route=exchange.route.template)
        except Exception as error:
            tell_cut("answer cut off", request_id=exchange.request_id, route=exchange.route.template, why=str(error))
            raise
        finally:
            response.finish()

    async def _send(self, exchange: Exchange, response: Response, send: Send) -> None:
        headers = [header for header in response.headers if header[0] not in _OURS]
        headers += (*exchange.told, (b"x-request-id", exchange.request_id.encode()), *self._always)
        stream = response.stream
        if stream is not None:
            headers += streaming(response)
            stream = lively(response)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.content, "more_body": stream is not None})
        if stream is not None:
            await pass_on(stream, send)

    def _find(self, path: str, method: str, headers: Sequence[Header]) -> Served:
        served = self.table.find(path)
        if found := served.get(method) or (served.get("GET") if method == "HEAD" else None):
            return found
        if method == "OPTIONS" and (found := served.get(asked_for(headers))) and found[0].policy.cors:
            return found
        why = Problem(METHOD_NOT_ALLOWED, headers=[_allow(served)]) if served else Problem(NO_SUCH_ROUTE)
        return self._nowhere(why)

    def _nowhere(self, why: Problem) -> Served:
        return NOWHERE, self._identified(_refusing(why))


async def _answer(exchange: Exchange, handler: Handler) -> Response:
    try:
        return await handler(exchange)
    except Problem as problem:
        _tell(problem, exchange)
        return _refusal(problem, exchange)
    except ClientLeft:
        raise
    except Exception:
        logger.exception("unexpected error", request_id=exchange.request_id, route=exchange.route.template)
        return _refusal(Problem(INTERNAL), exchange)


def _tell(problem: Problem, exchange: Exchange) -> None:
    """What the client is told, for who looks into the log; why a stage thinks so it says itself."""
    tell, what = (tell_failed, "failed") if problem.kind.status >= _OUR_FAULT else (tell_refused, "refused")
    tell(
        f"request {what}",
        request_id=exchange.request_id,
        function=exchange.route.function,
        route=exchange.route.template,
        problem=problem.kind.slug,
        detail=problem.detail or problem.kind.explanation,
    )


def _refusal(problem: Problem, exchange: Exchange) -> Response:
    body = problem.body(exchange.target.partition(b"?")[0].decode("latin-1"), exchange.request_id)
    headers = [
        (b"content-type", MEDIA_TYPE),
        (b"content-length", b"%d" % len(body)),
        (b"proxy-status", b'portico; error=%b; details="%b"' % (_proxy_error(problem), problem.kind.slug.encode())),
        *problem.headers,
    ]
    return Response(problem.kind.status, headers, body)


def _proxy_error(problem: Problem) -> bytes:
    """The error type of RFC 9209, section 2.3."""
    if problem.kind is MISBEHAVED:
        return b"http_protocol_error"
    return _PROXY_ERRORS.get(problem.kind.status, b"http_request_error")


def _allow(served: Collection[str]) -> Header:
    methods = {*served, "HEAD"} if "GET" in served else served
    return b"allow", ", ".join(sorted(methods)).encode()


def _refusing(problem: Problem) -> Handler:
    async def refuse(exchange: Exchange) -> Response:
        if exchange.method != b"OPTIONS":  # what asks beforehand is told no
            exchange.told += _TO_ANY_PAGE
        raise problem

    return refuse


def _exchange(scope: Scope, route: Route, inbound: Inbound, length: int | None) -> Exchange:
    query = scope["query_string"]
    return Exchange(
        route=route,
        method=scope["method"].encode(),
        target=scope["raw_path"] + b"?" + query if query else scope["raw_path"],
        headers=scope["headers"],
        read=inbound.read,
        length=length,
        client=scope["client"][0] if scope["client"] else "",
    )
