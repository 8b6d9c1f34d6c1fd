"""Conditional requests (RFC 9110, section 13): a strong entity tag for what is shown, 304 for who has it already, and
412 for who would change another state than the one that was meant.

In: a representation, and what the client says of it. It stores nothing and knows no kind of content. A handler that
changes what another shows under a tag takes `conditions: Asking`, and requires them in the transaction that acts;
`unguarded` finds those that don't, and such a function does not start.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from runtime.instant import SECOND
from runtime.problem import STALE, Problem

ETag = Annotated[str, msgspec.Meta(examples=['"A3e0-BXETYlSJ16e2qQa"'])]

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def etag(content: bytes) -> str:
    """A strong entity tag: equal for equal bytes, and for no others."""
    return f'"{b64encode(sha256(content).digest()[:15], b"-_").decode()}"'


def has(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has what `tag` stands for: If-None-Match by weak comparison (section 13.1.2)."""
    return _listed(if_none_match, tag, weakly=True)


def holds(if_match: str, tag: str) -> bool:
    """Whether If-Match is true of what `tag` stands for, by strong comparison (section 13.1.1)."""
    return _listed(if_match, tag, weakly=False)


def shown(
    request: Request[Any, Any, Any], content: object, *, headers: Mapping[str, str], status: int = 200
) -> Response[bytes]:
    """`content` as JSON under its entity tag, or 304 with the same headers when a GET's client has it already."""
    body = msgspec.json.encode(content)
    tagged = {**headers, "ETag": etag(body)}
    if request.method == "GET" and has(_field(request, "if-none-match"), tagged["ETag"]):
        return Response(b"", status_code=304, headers=tagged)
    return Response(body, status_code=status, headers=tagged, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a client says of the state that its request is for; None where it says nothing."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_unmodified_since: str | None = None

    def require(self, current: object | None, changed_at: int | None = None) -> None:
        """Raises Problem stale unless all of it is true of `current`: what a GET shows now, None if there is nothing.

        `changed_at`: when that last changed, in ms since the epoch; without it no date is heeded (section 13.1.4).
        The order is that of section 13.2.2.
        """
        tag = None if current is None else etag(msgspec.json.encode(current))
        if self.if_match is not None:
            true = tag is not None and holds(self.if_match, tag)
        else:
            true = changed_at is None or not self._changed_since(changed_at)
        if not true or (tag is not None and has(self.if_none_match, tag)):
            raise Problem(STALE, headers=[(b"etag", tag.encode())] if tag else [])

    def _changed_since(self, changed_at: int) -> bool:
        """What is no date says nothing."""
        since = _seconds(self.if_unmodified_since)
        return since is not None and changed_at // SECOND > since


Asking = NamedDependency[Conditions]


def conditions(request: Request[Any, Any, Any]) -> Conditions:
    """A dependency of handlers that change what is shown."""
    return Conditions(*(_field(request, name) for name in ("if-match", "if-none-match", "if-unmodified-since")))


def unguarded(handlers: Iterable[HTTPRouteHandler]) -> Iterator[str]:
    """The handlers that change what is shown under a tag, and take no conditions: "PUT /products/{sku:str}"."""
    handlers = list(handlers)
    tagged = {
        path for handler in handlers if "GET" in handler.http_methods and _tags(handler) for path in handler.paths
    }
    for handler in handlers:
        if handler.http_methods <= {"GET", "HEAD", "OPTIONS"} or "conditions" in handler.parsed_fn_signature.parameters:
            continue
        changes = _tags(handler) and handler.opt["answers"].shown.keys() != {201}  # what is new was in no state before
        if changes or ("POST" not in handler.http_methods and not tagged.isdisjoint(handler.paths)):
            yield from (f"{' '.join(sorted(handler.http_methods))} {path}" for path in sorted(handler.paths))


def _tags(handler: HTTPRouteHandler) -> bool:
    return "answers" in handler.opt and "ETag" in handler.opt["answers"].headers


def _field(request: Request[Any, Any, Any], name: str) -> str | None:
    """Several lines are one list (section 5.3)."""
    lines = request.headers.getall(name, [])
    return ", ".join(lines) if lines else None


def _seconds(date: str | None) -> float | None:
    """Since the epoch, of a date as HTTP writes it (section 5.6.7)."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  hardly ever asked for

    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _listed(field: str | None, tag: str, *, weakly: bool) -> bool:
    if field is None or field.strip() == "*":
        return field is not None
    return any(opaque == tag and (weakly or not weak) for weak, opaque in _TAG.findall(field))
