"""What the gateway itself asks of a function: a target goes in, the whole body of a 200 comes out.

It goes through the pipeline of a route, as a client's request does, so that balancing, retries and deadlines hold for
it too. It is for small documents, and is never asked for by a client.
"""

from collections.abc import Sequence

from functions.gateway.edge import Served
from functions.gateway.exchange import Exchange, Header, Response
from functions.gateway.stages.forward.errors import ForwardError
from runtime.http.problem import DEPENDENCY_UNAVAILABLE, Problem

LARGEST = 16 * 1024**2  # bytes of a document


class Declined(Problem):
    """The function is there, and has another answer than 200: `status`."""

    def __init__(self, target: str, status: int) -> None:
        super().__init__(DEPENDENCY_UNAVAILABLE, f"{target} answered {status}.", retry_after=1)
        self.status = status


async def ask(served: Served, target: str, headers: Sequence[Header] = ()) -> bytes:
    """GET `target`. Raises Problem when the function is away or its answer is not a whole 200."""
    route, handler = served
    said = [(b"host", b"gateway"), *headers]
    exchange = Exchange(route, b"GET", target.encode(), said, _nothing, 0, "127.0.0.1")
    response = await handler(exchange)
    try:
        document = await _whole(response)
    except ForwardError as error:
        raise Problem(DEPENDENCY_UNAVAILABLE) from error
    finally:
        response.finish()
    if response.status != 200:
        raise Declined(target, response.status)
    return document


async def _whole(response: Response) -> bytes:
    parts, size = [response.content], len(response.content)
    while response.stream is not None and (part := await response.stream.read()):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise Problem(DEPENDENCY_UNAVAILABLE, f"A document of more than {LARGEST} bytes.")
    return b"".join(parts)


async def _nothing() -> bytes:
    return b""
