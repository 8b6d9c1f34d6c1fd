"""What a client says of the state that its request is for (RFC 9110, section 13): 412 for who would change another one.

In: a request's fields, and the state as it is now. A handler that changes what another shows under a tag takes
`conditions: Asking`, and requires them in the transaction that acts; `unguarded` finds those that don't, and such a
function does not start.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from runtime.http.dates import seconds
from runtime.http.fields import listed
from runtime.http.problem import PRECONDITION_FAILED, Problem
from runtime.http.tags import etag, has, holds
from runtime.instant import SECOND


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a client says of the state that its request is for; None where it says nothing."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_unmodified_since: str | None = None

    def require(self, current: object | None, changed_at: int | None = None) -> None:
        """Raises Problem unless all of it is true of `current`: what a GET shows now, None if there is nothing.

        `changed_at`: when that last changed, in ms since the epoch; without it no date is heeded (section 13.1.4).
        The order is that of section 13.2.2.
        """
        tag = None if current is None else etag(msgspec.json.encode(current))
        if self.if_match is not None:
            true = tag is not None and holds(self.if_match, tag)
        else:
            true = changed_at is None or not self._changed_since(changed_at)
        if not true or (tag is not None and has(self.if_none_match, tag)):
            raise Problem(PRECONDITION_FAILED, headers=[(b"etag", tag.encode())] if tag else [])

    def _changed_since(self, changed_at: int) -> bool:
        """What is no date, or several, says nothing."""
        said = self.if_unmodified_since
        since = None if said is None else seconds(said.encode("latin-1"), changed_at / SECOND)
        return since is not None and changed_at // SECOND > since


Asking = NamedDependency[Conditions]


_NAMES = (b"if-match", b"if-none-match", b"if-unmodified-since")


def conditions(request: Request[Any, Any, Any]) -> Conditions:
    """A dependency of handlers that change what is shown."""
    return Conditions(*(listed(request.scope["headers"], name) for name in _NAMES))


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
