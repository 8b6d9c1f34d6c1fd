"""No call ends without an answer, under a server that would make one of its own: NGINX Unit.

In: an ASGI application. Out: the same one. At its own end Unit tells each call that the caller has gone, who waits all
the same. It sends an empty 200 for a call that returns without an answer, and ends one that has begun as if it were
whole. So a call that it ended is answered 503 here, and what ends half-way or without a word is an exception, which
Unit takes for what it is: 503 as long as nothing was sent, and else the end of the connection.
"""

from collections.abc import Awaitable

from runtime.asgi import ASGIApp, Message, Receive, Scope, Send
from runtime.http.problem import DRAINING, Problem
from runtime.http.refusal import refuse


class Unanswered(Exception):
    """A call is over, and its answer is not."""


def answered(app: ASGIApp) -> ASGIApp:
    """`app`, whose calls end with a whole answer or an exception."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        begun = whole = ended = False

        async def heard() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or message["type"] == "http.disconnect"
            return message

        def noting(message: Message) -> Awaitable[None]:
            nonlocal begun, whole
            begun = True
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            return send(message)

        await app(scope, heard, noting)
        if ended and not begun:
            await refuse(Problem(DRAINING, retry_after=1), scope, send)
        elif not whole:
            raise Unanswered(f"{scope['method']} {scope['path']} was {'half' if begun else 'not'} answered")

    return answering
