"""A constant answer under the server that our functions have: what is under all that they do. Argument: port."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

_BODY = b'{"state":"alive"}'
_HEAD = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]


async def app(_scope: object, _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """The same for everybody."""
    await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
    await send({"type": "http.response.body", "body": _BODY, "more_body": False})


async def main() -> None:
    """Until it is ended."""
    options = {"interface": Interfaces.ASGINL, "http": HTTPModes.http1, "websockets": False, "runtime_threads": 1}
    await Server(app, port=int(sys.argv[1]), log_level=LogLevels.error, **options).serve()


uvloop.run(main())
