"""Exchanges to hand to a stage, and what to put below it: no socket, no server, no clock."""

from collections.abc import Mapping, Sequence

from functions.gateway.exchange import Exchange, Header, Receive, Response
from functions.gateway.routes import Route, compile_routes
from runtime.http.validation import convert
from runtime.manifest import Manifest


def manifest(
    *routes: Mapping[str, object], name: str = "things", own: Mapping[str, object] | None = None, **defaults: object
) -> Manifest:
    """A function's manifest, written as TOML would have it; `own` is what it says beside its routes."""
    told = {"name": name, "app": {"module": name}, "defaults": defaults, "route": list(routes)}
    return convert(told | dict(own or {}), Manifest)


def route(match: str = "GET /things/{id}", **policy: object) -> Route:
    """One route, with the gateway's defaults below its policy."""
    return compile_routes([manifest({"match": match, **policy})])[0]


def exchange(
    method: bytes = b"GET",
    target: bytes = b"/things/1",
    headers: Sequence[Header] = (),
    *body: bytes,
    length: int | None = 0,
    client: str = "192.0.2.1",
) -> Exchange:
    """A request as the edge hands it on; `body` comes in these parts."""
    return Exchange(route(), method, target, list(headers), parts(*body), length, client)


def parts(*body: bytes) -> Receive:
    """A body that comes in these parts."""
    left = list(body)

    async def read() -> bytes:
        return left.pop(0) if left else b""

    return read


async def everything(read: Receive) -> bytes:
    """What `read` gives until its end."""
    whole = b""
    while part := await read():
        whole += part
    return whole


class Below:
    """A handler that remembers what reached it; `answers` are given in turn, the last one again and again."""

    def __init__(self, *answers: int | Exception) -> None:
        self.seen: list[Exchange] = []
        self._answers = list(answers) or [200]

    async def __call__(self, exchange: Exchange) -> Response:
        self.seen.append(exchange)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Response(answer, [])


async def ok(_: Exchange) -> Response:
    """A handler that is content with everything."""
    return Response(200, [])
