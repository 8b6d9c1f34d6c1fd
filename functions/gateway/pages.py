"""What the gateway itself shows to people: its name and links, what each route does, and what each problem means."""

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from functions.gateway.documents.page import POLICY
from functions.gateway.exchange import Header
from functions.gateway.stages.identify import REQUEST_ID, request_id
from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.problem import KINDS, NOT_FOUND, Problem

PATHS = re.compile(r"/(docs|openapi\.json|problems/[a-z-]+)?")

EXPLANATIONS = {kind.slug: kind.explanation for kind in KINDS}


@get("/", sync_to_thread=False)
def home(state: State) -> dict[str, Any]:
    """`state.explanations`: what each problem of a function means, by slug."""
    slugs = sorted(EXPLANATIONS.keys() | state.explanations.keys())
    links = {"docs": "/docs", "openapi": "/openapi.json", "readiness": "/readyz"}
    return {"name": "portico", "links": {**links, "problems": [f"/problems/{slug}" for slug in slugs]}}


@get("/openapi.json")
async def openapi(state: State) -> Response[bytes]:
    """One document of all functions' routes; `state.collection` has it."""
    documents = await state.collection.documents()
    return Response(documents.openapi, media_type="application/openapi+json", headers={"Cache-Control": "no-cache"})


@get("/docs")
async def docs(state: State) -> Response[str]:
    """The same for people."""
    documents = await state.collection.documents()
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return Response(documents.page, media_type=MediaType.HTML, headers=headers)


@get("/problems/{slug:str}", media_type=MediaType.HTML, sync_to_thread=False)
def problem(state: State, slug: FromPath[str]) -> str:
    """The explanation of one kind of problem, for a person who followed a body's `type`."""
    text = EXPLANATIONS.get(slug) or state.explanations.get(slug)
    if text is None:
        raise Problem(NOT_FOUND)
    return f'<!doctype html><html lang="en"><title>{slug}</title><h1>{slug}</h1><p>{escape(text)}</p></html>\n'


def signed(site: ASGIApp, new_id: Callable[[], str], always: Callable[[], Sequence[Header]]) -> ASGIApp:
    """`site`, with what is on every answer of the gateway: the request's id, and `always`."""

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        kept = [header for header in scope["headers"] if header[0] != REQUEST_ID]
        given = b",".join(value for name, value in scope["headers"] if name == REQUEST_ID)
        name = (REQUEST_ID, request_id(given, new_id).encode())
        scope["headers"] = [*kept, name]

        async def signing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], name, *always()]
            await send(message)

        await site(scope, receive, signing)

    return pages
