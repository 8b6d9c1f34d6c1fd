"""What an answer to an unsafe request makes worthless (RFC 9111, section 4.4; RFC 9875, section 3).

In: a method, a target, a host and the answer's head. Out: targets of the same origin, and names of groups. A function
that names itself by https may have been asked by http, so the scheme makes no difference here.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.asked import SCHEMES, named
from functions.gateway.stages.cache.entry import groups
from functions.gateway.stages.cache.fields import first

SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})


class Invalidation(NamedTuple):
    """What is not to be served any more without asking."""

    targets: tuple[bytes, ...] = ()
    groups: tuple[str, ...] = ()


NOTHING = Invalidation()


def invalidated(method: bytes, target: bytes, host: bytes, status: int, headers: Sequence[Header]) -> Invalidation:
    """The target itself, Location and Content-Location where they are of the same origin, and groups.

    Nothing for a safe method, and nothing for an error: that changed nothing.
    """
    if method in SAFE or not 200 <= status < 400:
        return NOTHING
    named = [first(headers, name) for name in (b"location", b"content-location")]
    targets = dict.fromkeys([target, *(found for value in named if value and (found := _local(value, target, host)))])
    return Invalidation(tuple(targets), groups(headers, b"cache-group-invalidation"))


def _local(reference: bytes, target: bytes, host: bytes) -> bytes | None:
    """`reference` as a target of this host; None when it leads elsewhere."""
    base = f"http://{host.decode('latin-1')}{target.decode('latin-1')}"
    try:
        url = urlsplit(urljoin(base, reference.decode("latin-1")))
        url = urlsplit(urljoin(url.geturl(), url.path or "/"))._replace(query=url.query)  # of no dots, whoever said it
    except ValueError:
        return None
    scheme = url.scheme.encode("latin-1")
    if scheme not in SCHEMES or named(scheme, url.netloc.encode("latin-1")) != named(scheme, host):
        return None
    return (f"{url.path or '/'}?{url.query}" if url.query else url.path or "/").encode("latin-1")
