"""A client of the stack's own front door: whatever is asked goes there and nowhere else.

In: the door's address, and targets as a client writes them. Out: answers, or a Refusal when there is none. What the
environment says of proxies, certificates and passwords (.netrc) is for others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx

from deploy.engine import Refusal

_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))  # what stands in a target as it is; all else as %XX


@contextmanager
def opened(address: str, timeout: float) -> Iterator[httpx.Client]:
    """A client for the length of the block. Raises Refusal for what can't be sent, and when nobody answers."""
    try:
        with httpx.Client(base_url=address, timeout=timeout, trust_env=False) as client:
            yield client
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeEncodeError) as error:
        raise Refusal(f"That can't be sent ({error}): correct the method, the target or the header.") from None
    except httpx.TransportError as error:
        raise Refusal(f"{address} gives no answer ({error}): start it with `just up`.") from None


def url(client: httpx.Client, target: str) -> httpx.URL:
    """`target` at the door of `client`. Raises Refusal for one that would lead elsewhere, with a token."""
    if not target.startswith("/"):
        raise Refusal(f"{target!r} is no target: it begins with /, as in /products.")
    try:
        return client.base_url.copy_with(raw_path=quote(target, _WRITTEN, errors="surrogateescape").encode())
    except httpx.InvalidURL as error:
        raise Refusal(f"{target!r} can't be sent ({error}): write # as %23.") from None
