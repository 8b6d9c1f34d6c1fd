"""Conditional requests (RFC 9110, section 13): a strong entity tag for what is shown, and 304 for who has it already.

In: a representation as bytes, and what the client says it has. It stores nothing and knows no kind of content.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response

from runtime.http.fields import listed
from runtime.http.plain import Plain
from runtime.http.tags import ETag, etag, has, holds

__all__ = ["ETag", "etag", "has", "holds", "shown", "tagged"]


def shown(
    request: Request[Any, Any, Any], content: object, *, headers: Mapping[str, str], status: int = 200
) -> Response[bytes]:
    """`content` as JSON under its entity tag, or 304 with the same headers when a GET's client has it already."""
    return tagged(request, msgspec.json.encode(content), headers=headers, status=status)


def tagged(
    request: Request[Any, Any, Any],
    body: bytes,
    *,
    headers: Mapping[str, str],
    status: int = 200,
    media_type: str = "application/json",
) -> Response[bytes]:
    """The same for what is bytes already."""
    known = {**headers, "ETag": etag(body)}
    if request.method == "GET" and has(listed(request.scope["headers"], b"if-none-match"), known["ETag"]):
        return Plain(b"", status_code=304, headers=known)
    return Plain(body, status_code=status, headers=known, media_type=media_type)
