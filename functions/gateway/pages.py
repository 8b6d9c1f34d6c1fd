"""What the gateway itself shows to people: its name and links, what each route does, and what each problem means.

In: the problems' explanations, and who has the functions' documents. Out: a handler for each route of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from html import escape

import msgspec

from functions.gateway.documents.collect import Documents
from functions.gateway.documents.page import POLICY
from functions.gateway.exchange import Exchange, Handler, Header, Response
from functions.gateway.routes import GATEWAY, Route
from runtime.http.problem import KINDS, NOT_FOUND, Problem
from runtime.http.tags import etag, has
from runtime.manifest import Policy

HOME, OPENAPI, DOCS, PROBLEM = "/", "/openapi.json", "/docs", "/problems/{slug}"
OWN = [Route(GATEWAY, "GET", path, Policy()) for path in (HOME, OPENAPI, DOCS, PROBLEM)]

EXPLANATIONS = {kind.slug: kind.explanation for kind in KINDS}
_HTML = b"text/html; charset=utf-8"
_FRESH = (b"cache-control", b"no-cache")  # what is kept may be shown after asking whether it still holds


def pages(explanations: Mapping[str, str], documents: Callable[[], Awaitable[Documents]]) -> dict[str, Handler]:
    """By the path of its route. `explanations`: what each problem of a function means, by slug."""
    known = {**explanations, **EXPLANATIONS}

    async def home(exchange: Exchange) -> Response:
        links = {"docs": DOCS, "openapi": OPENAPI, "readiness": "/readyz"}
        told = {"name": "portico", "links": {**links, "problems": [f"/problems/{slug}" for slug in sorted(known)]}}
        return _page(exchange, msgspec.json.encode(told), b"application/json")

    async def openapi(exchange: Exchange) -> Response:
        return _page(exchange, (await documents()).openapi, b"application/openapi+json")

    async def docs(exchange: Exchange) -> Response:
        policy = (b"content-security-policy", POLICY.encode())
        return _page(exchange, (await documents()).page.encode(), _HTML, policy)

    async def problem(exchange: Exchange) -> Response:
        """For a person who followed a body's `type`."""
        slug = exchange.target.partition(b"?")[0].rpartition(b"/")[2].decode("latin-1")
        if slug not in known:
            raise Problem(NOT_FOUND)
        text = (
            f'<!doctype html><html lang="en"><title>{slug}</title><h1>{slug}</h1><p>{escape(known[slug])}</p></html>\n'
        )
        return _page(exchange, text.encode(), _HTML)

    return {HOME: home, OPENAPI: openapi, DOCS: docs, PROBLEM: problem}


def _page(exchange: Exchange, content: bytes, media_type: bytes, *headers: Header) -> Response:
    """The page, or 304 where the client has it."""
    tag = etag(content)
    known = [_FRESH, (b"etag", tag.encode()), *headers]
    if has(dict(exchange.headers).get(b"if-none-match", b"").decode("latin-1"), tag):
        return Response(304, known)
    sized = (b"content-length", b"%d" % len(content))
    return Response(200, [(b"content-type", media_type), sized, *known], content)
