"""A small function for the gateway's tests: it answers what it was asked, and does what functions should not do.

Its state is asked of it directly, on its own port; through the gateway goes what a client would send.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

from runtime.asgi import Receive, Scope, Send
from runtime.serving.application import application as outermost
from runtime.serving.health import Health

Header = tuple[bytes, bytes]

KEY_SET = Path(os.environ["KEY_SET"])
JSON = (b"content-type", b"application/json")

released = asyncio.Event()
counts = {"hanging": 0, "left": 0, "read": 0, "echoed": 0}


async def things(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    first = scope["path"].split("/")[1]
    await PATHS.get(first, echo)(scope, receive, send)


async def live(receive: Receive, send: Send) -> None:
    for said in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{said}.complete"})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    digest, length = hashlib.sha256(), 0
    async for part in body(receive):
        digest.update(part)
        length += len(part)
    counts["echoed"] += 1
    told = {
        "method": scope["method"],
        "target": (scope["raw_path"] + (b"?" + scope["query_string"]).rstrip(b"?")).decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "length": length,
        "sha256": digest.hexdigest(),
        "instance": os.environ["INSTANCE"],
    }
    content = json.dumps(told).encode()
    await answer(send, content, JSON, (b"content-length", b"%d" % len(content)))


async def cookies(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, b"", (b"set-cookie", b"a=1"), (b"x-request-id", b"theirs"), (b"set-cookie", b"b=2; Path=/"))


async def sized(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Promises a hundred bytes, gives five."""
    await begin(send, (b"content-length", b"100"))
    await send({"type": "http.response.body", "body": b"first", "more_body": True})


async def chunked(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Breaks off without a last chunk."""
    await begin(send)
    await send({"type": "http.response.body", "body": b"first", "more_body": True})


async def events(scope: Scope, _receive: Receive, send: Send) -> None:
    """The second event comes when somebody says so. The query, if there is one, is another media type."""
    released.clear()
    kind = (b"content-type", scope["query_string"] or b"text/event-stream")
    await begin(send, kind, (b"cache-control", b"max-age=60"))
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    await released.wait()
    await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": False})


async def release(_scope: Scope, _receive: Receive, send: Send) -> None:
    released.set()
    await answer(send, b"")


async def hang(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Answers never."""
    async for _ in body(receive):
        pass
    await until_left(receive)


async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
    """An answer without an end."""
    await begin(send)
    await send({"type": "http.response.body", "body": b"more", "more_body": True})
    await until_left(receive)


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    """A gibibyte, as fast as it is taken."""
    await begin(send)
    for _ in range(16_384):
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def upload(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads as long as something comes, and counts it."""
    counts["read"] = 0
    async for part in body(receive):
        counts["read"] += len(part)
    await answer(send, b"")


async def count(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, json.dumps(counts).encode(), JSON)


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    raise RuntimeError("a bug")


async def say(scope: Scope, _receive: Receive, send: Send) -> None:
    """An answer of the status that the path ends with."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
    await send({"type": "http.response.start", "status": int(scope["path"][-3:]), "headers": headers})
    await send({"type": "http.response.body", "body": b"its own words", "more_body": False})


async def die(_scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    os._exit(9)


async def keys(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, KEY_SET.read_bytes(), JSON)  # noqa: ASYNC240  a small file, and nobody else is waiting


async def until_left(receive: Receive) -> None:
    counts["hanging"] += 1
    while (await receive())["type"] != "http.disconnect":
        pass
    counts["hanging"] -= 1
    counts["left"] += 1


async def body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        try:
            message = await receive()
        except asyncio.CancelledError:  # the runtime ends what nobody waits for
            counts["left"] += 1
            raise
        more = message["more_body"]
        yield message["body"]


async def answer(send: Send, content: bytes, *headers: Header) -> None:
    await begin(send, *headers)
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def begin(send: Send, *headers: Header) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})


PATHS = {
    "cookies": cookies,
    "sized": sized,
    "chunked": chunked,
    "events": events,
    "release": release,
    "hang": hang,
    "stream": stream,
    "large": large,
    "upload": upload,
    "counts": count,
    "fails": fail,
    "says": say,
    "die": die,
    ".well-known": keys,
}
application = outermost(things, Health())
