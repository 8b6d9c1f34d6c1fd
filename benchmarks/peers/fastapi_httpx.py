"""What a Python user would write instead of a gateway: FastAPI, httpx, uvicorn. Arguments: port, upstream."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

PORT, UPSTREAM = int(sys.argv[1]), sys.argv[2]
_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for all requests, as its documentation advises.

    Each request looks at every connection in the pool, so few are kept and unused ones go early: with 64 that wait
    for five seconds, a request costs four times as much.
    """
    limits = httpx.Limits(max_connections=1024, max_keepalive_connections=20, keepalive_expiry=0.2)
    async with httpx.AsyncClient(base_url=UPSTREAM, limits=limits, trust_env=False) as app.state.client:
        yield


app = FastAPI(lifespan=lifespan)


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def forward(path: str, request: Request) -> Response:
    """Buffers both ways, as most such code does."""
    headers = [(name, value) for name, value in request.headers.items() if name not in _HOP]
    answer = await app.state.client.request(
        request.method, f"/{path}", headers=headers, content=await request.body(), params=request.query_params
    )
    kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
    return Response(answer.content, answer.status_code, kept)


uvicorn.run(app, port=PORT, log_level="warning", access_log=False)
