"""Whose bucket it is: an address, a principal or an API key of one, or everybody who asks for a route.

In: an exchange and what a rule says. Out: keys, each with rule and kind of subject in its name, so that no two ever
share a bucket. An IPv6 client is its /64: it has all addresses in there.
"""

from collections.abc import Callable

from functions.gateway.exchange import Exchange
from runtime.http.network import network

Key = Callable[[Exchange], str]


def key(route: str, name: str, by: str) -> Key:
    """The bucket that a rule `name` of `route` means, `by` address, principal or route."""
    prefix = bucket_of(route, name, by)
    subject = _SUBJECTS[by]
    return lambda exchange: f"{prefix} {subject(exchange)}"


def bucket_of(route: str, name: str, by: str) -> str:
    """What the keys of all buckets of a rule begin with; a space and the subject follow."""
    return f"{route} {name} {by}"


def address(exchange: Exchange) -> str:
    """Where it comes from."""
    client = exchange.client
    return network(client) if ":" in client else client


def principal(exchange: Exchange) -> str:
    """Who is authenticated, each API key for itself; the address where nobody is. No two kinds share a name."""
    known = exchange.principal
    if known is None:
        return f"address {address(exchange)}"
    return f"key {known.session}" if exchange.keyed else known.id


def everybody(_exchange: Exchange) -> str:
    """The same for all."""
    return "all"


_SUBJECTS: dict[str, Key] = {"address": address, "principal": principal, "route": everybody}
