"""An answer that is bytes already: a body and a few fields go in, a Litestar response comes out that sends just these.

Litestar's own makes a case-insensitive multi-dict of the fields, looks for an encoder of the body, and asks three times
whether anything comes after: 25 µs for an answer that needs none of it. Whoever does, gets Litestar's.
"""

from typing import Any

from litestar import Response

from runtime.asgi import ASGIApp, Receive, Scope, Send
from runtime.http.problem import Header

_BODILESS = frozenset({204, 304})
_MORE = ("background", "cookies", "headers")  # what a handler's decorator may say beside it


class Plain(Response[bytes]):
    """Bytes under a media type, with text fields."""

    def to_asgi_response(self, *given: Any, **told: Any) -> Any:  # noqa: ANN401  Litestar's own types are narrower
        """What is sent."""
        if self.cookies or self.background or any(told.get(name) for name in _MORE):
            return super().to_asgi_response(*given, **told)
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        status = self.status_code or told["status_code"]
        if status not in _BODILESS:
            media_type = self.media_type or "application/json"
            fields += [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(self.content))]
        return _sending(status, fields, self.content)


def _sending(status: int, fields: list[Header], body: bytes) -> ASGIApp:
    async def sent(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return sent
