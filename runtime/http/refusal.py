"""A problem as an ASGI application sends it that has no framework around it."""

from collections.abc import Iterable

from runtime.asgi import Scope, Send
from runtime.http.problem import MEDIA_TYPE, Header, Problem


async def refuse(problem: Problem, scope: Scope, send: Send) -> None:
    """The whole answer to a call that has none yet; to HEAD without its content."""
    body = problem.body(scope["path"], _request_id(scope["headers"]))
    headers = [(b"content-type", MEDIA_TYPE), (b"content-length", b"%d" % len(body)), *problem.headers]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": headers})
    content = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": content, "more_body": False})


def _request_id(headers: Iterable[Header]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"x-request-id"), "")
