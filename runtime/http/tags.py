"""Entity tags (RFC 9110, section 8.8.3): a strong one for bytes, and whether a client names it.

Pure: content and fields of a request in, a tag or a verdict out.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Annotated

import msgspec

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


def _listed(field: str | None, tag: str, *, weakly: bool) -> bool:
    if field is None or field.strip() == "*":
        return field is not None
    return any(opaque == tag and (weakly or not weak) for weak, opaque in _TAG.findall(field))
