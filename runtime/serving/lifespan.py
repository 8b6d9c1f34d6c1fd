"""ASGI's lifespan, told as a context manager: entered when the server starts, left when it stops.

In: a call of type `lifespan`. Out: what its server waits to hear, also of a failure, which is then raised.
Source: ASGI, Lifespan Protocol, version 2.0.
"""

from contextlib import AbstractAsyncContextManager

from runtime.asgi import Receive, Send


async def live(life: AbstractAsyncContextManager[None], receive: Receive, send: Send) -> None:
    """Returns when `life` is over."""
    await receive()
    part = "startup"
    try:
        async with life:
            await send({"type": "lifespan.startup.complete"})
            part = "shutdown"
            await receive()
    except BaseException as error:
        await send({"type": f"lifespan.{part}.failed", "message": str(error)})
        raise
    await send({"type": "lifespan.shutdown.complete"})
