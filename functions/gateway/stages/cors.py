"""Says which pages may call a route from a browser, and answers the browser that asks beforehand (Fetch, section 3.3).

On a route that has it, what a function itself says of that is taken out. It keeps nobody out: what isn't a browser need
not ask, and a page that may not read an answer may still have sent a simple request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.gateway.exchange import Exchange, Handler, Header, Response, Stage
from runtime.http.problem import PREFLIGHT_REFUSED, Problem

HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-Id")
EXPOSE = ("ETag", "Idempotency-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After")
ALSO_EXPOSED = ("WWW-Authenticate", "X-Request-Id")

_METHOD = b"access-control-request-method"
_HEADERS = b"access-control-request-headers"
_BY_ORIGIN = (b"vary", b"origin")
_BY_QUESTION = (b"vary", _METHOD + b", " + _HEADERS)
_TOLD, _LONGEST = 10, 64  # names that a refusal repeats, and characters of each
_SAFE = frozenset({b"accept", b"accept-language", b"content-language"})  # need no permission (Fetch, section 2.2.2)


@dataclass(frozen=True, slots=True)
class Pages:
    """Whose pages may call, as the answers to them say it; `origins` is empty where anybody's may."""

    origins: frozenset[bytes]
    sent: frozenset[bytes]  # headers that they may send
    usual: tuple[Header, ...]  # on each answer that they may read
    preflight: tuple[Header, ...]  # on each answer to a browser that asks beforehand

    @classmethod
    def of(
        cls,
        origins: Iterable[str],
        *,
        headers: Sequence[str] | None = None,
        expose: Sequence[str] | None = None,
        credentials: bool = False,
        longest: float = 0.0,
    ) -> "Pages":
        """`longest`: seconds for which a browser may remember a permission. None: what Portico's contract needs."""
        exposed = b", ".join(name.encode() for name in (*(EXPOSE if expose is None else expose), *ALSO_EXPOSED))
        lent = ((b"access-control-allow-credentials", b"true"),) if credentials else ()
        return cls(
            frozenset(origin.encode() for origin in origins if origin != "*"),
            _SAFE | {name.lower().encode() for name in (HEADERS if headers is None else headers)},
            ((b"access-control-expose-headers", exposed), *lent),
            ((b"access-control-max-age", b"%d" % longest), _BY_QUESTION, *lent),
        )

    def to(self, origin: bytes) -> tuple[Header, ...] | None:
        """How a page is told that it may; None when it may not."""
        if not self.origins:
            return ((b"access-control-allow-origin", b"*"),)
        return ((b"access-control-allow-origin", origin),) if origin in self.origins else None


def cors(pages: Pages) -> Stage:
    """An OPTIONS request that comes here is a preflight: no route has that method."""

    def stage(handler: Handler) -> Handler:
        async def shared(exchange: Exchange) -> Response:
            allowed = pages.to(_said(exchange.headers, b"origin"))
            exchange.told += [*((_BY_ORIGIN,) if pages.origins else ()), *(allowed or ())]
            if exchange.method == b"OPTIONS":
                return _permission(exchange, pages, allowed=allowed is not None)
            if allowed is not None:
                exchange.told += pages.usual
            response = await handler(exchange)
            response.headers = [header for header in response.headers if not header[0].startswith(b"access-control-")]
            return response

        return shared

    return stage


def asked_for(headers: Sequence[Header]) -> str:
    """The method that a preflight asks about; "" when it is none."""
    method = _said(headers, _METHOD).decode("latin-1")
    return "GET" if method == "HEAD" else method


def _permission(exchange: Exchange, pages: Pages, *, allowed: bool) -> Response:
    """Raises Problem where there is none to be had."""
    if not allowed:
        raise Problem(PREFLIGHT_REFUSED, "Pages of this origin may not call this route.")
    asked = _said(exchange.headers, _HEADERS)
    # Each once: what is said again is told no longer, so the answer is never longer than what the route allows.
    names = dict.fromkeys(name.strip().lower() for name in asked.split(b",") if name.strip())
    if unknown := [name.decode("latin-1") for name in names if name not in pages.sent]:
        raise Problem(PREFLIGHT_REFUSED, f"Pages may not send these headers to this route: {_few(unknown)}.")
    said = [(b"access-control-allow-methods", _said(exchange.headers, _METHOD)), *pages.preflight]
    return Response(204, [*said, *([(b"access-control-allow-headers", b", ".join(names))] if names else ())])


def _few(names: Sequence[str]) -> str:
    """Enough of what somebody else has written to be recognised by."""
    more = f", and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(name[:_LONGEST] for name in names[:_TOLD]) + more


def _said(headers: Sequence[Header], wanted: bytes) -> bytes:
    """All lines of one name, as one (RFC 9110, section 5.3)."""
    return b", ".join(value for name, value in headers if name == wanted)
