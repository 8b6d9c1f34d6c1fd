"""Conditional requests (RFC 9110, section 13): a strong entity tag for what is shown, and 304 for who has it already.

In: a representation as bytes, and what the client says it has. It stores nothing and knows no kind of content.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request, Response

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
    if request.method == "GET" and has(request.headers.get("if-none-match"), tagged["ETag"]):
        return Response(b"", status_code=304, headers=tagged)
    return Response(body, status_code=status, headers=tagged, media_type="application/json")


def _listed(field: str | None, tag: str, *, weakly: bool) -> bool:
    if field is None or field.strip() == "*":
        return field is not None
    return any(opaque == tag and (weakly or not weak) for weak, opaque in _TAG.findall(field))
