"""Heads as tests write them: `Name: value` lines, dates in seconds from a fixed now."""

from email.utils import formatdate

from functions.gateway.exchange import Header
from functions.gateway.stages.cache.asked import Asked, ask
from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.entry import Stored, filled, stored

NOW = 1_700_000_000.0


def date(offset: float = 0) -> bytes:
    """The HTTP date `offset` seconds from NOW."""
    return formatdate(NOW + offset, usegmt=True).encode()


def head(*lines: str) -> list[Header]:
    """Fields as the gateway has them."""
    split = (line.partition(":") for line in lines)
    return [(name.strip().lower().encode(), value.strip().encode("latin-1")) for name, _, value in split]


def get(*lines: str, method: bytes = b"GET") -> Asked:
    """A request to one host."""
    return ask(method, head("Host: portico.test", *lines))


def held(
    *lines: str, asked: Asked | None = None, status: int = 200, body: bytes = b"0123456789", age: float = 0.0
) -> Stored:
    """What is stored of an answer that came `age` seconds before NOW."""
    came = NOW - age
    headers = head(*lines)
    kept = filled(stored(asked or get(), status, headers, answering(headers), came, came), body)
    assert kept is not None
    return kept
