"""Lists a page at a time: `limit` and `cursor` in, the items and the next cursor out.

A cursor is the sort key of the last item that was shown (keyset pagination), so rows that come or go make no other row
appear twice or never. It is opaque, not secret; a checksum tells a damaged one. Nothing here knows what is listed.
"""

import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, Self, TypeVar
from urllib.parse import parse_qs, urlencode
from zlib import crc32

import msgspec

from runtime.http.validation import convert

T = TypeVar("T")

_VERSION = b"1"
_KEY = re.compile(rb"[!-~]{1,64}")  # what every id and every sku is made of


class Cursor(str):
    """The sort key that a page starts behind; `text` is what a client sees of it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reverse of `text`. Raises ValueError for anything that is not exactly what `text` gave."""
        try:
            key = urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}").partition(b".")[2]
        except ValueError:
            key = b""
        if not _KEY.fullmatch(key) or cls(key.decode()).text != text:
            raise ValueError("is not a cursor that this list gave")
        return cls(key.decode())

    @property
    def text(self) -> str:
        """Version, checksum and key, as base64url without padding."""
        key = self.encode("ascii")
        return b64encode(b"%s%08x.%s" % (_VERSION, crc32(_VERSION + key), key), b"-_").decode().rstrip("=")


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a list may be asked for; a list with filters of its own adds them in a subclass."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cursor: Cursor | None = None

    @classmethod
    def read(cls, query_string: bytes) -> Self:
        """From the query of a URL. Raises Invalid with every fault; a parameter that comes twice is one."""
        given = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
        return convert({name: values if values[1:] else values[0] for name, values in given.items()}, cls, strict=False)


class Page(msgspec.Struct, Generic[T], frozen=True):
    """The items, and the cursor of the page that follows: null on the last one."""

    items: list[T]
    next_cursor: str | None

    def next_link(self, path: str, query_string: bytes) -> dict[str, str]:
        """The Link header (RFC 8288) to the next page of what was asked for; nothing on the last one."""
        if self.next_cursor is None:
            return {}
        query = parse_qs(query_string.decode("latin-1")) | {"cursor": [self.next_cursor]}
        return {"Link": f'<{path}?{urlencode(query, doseq=True)}>; rel="next"'}


def page(found: Sequence[T], limit: int, key: Callable[[T], str]) -> Page[T]:
    """The page made of at most `limit` of `found`, which holds one more when there is a next page."""
    items = list(found[:limit])
    return Page(items, Cursor(key(items[-1])).text if len(found) > limit else None)
