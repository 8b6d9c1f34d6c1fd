"""Where somebody is, as limits see it: an address goes in, the network comes out that one client has for itself.

Pure. An IPv4 client is its address; an IPv6 client is its /64, as it has all addresses in there (RFC 6177).
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=4096)
def network(client: str) -> str:
    """The /64 of an IPv6 address; the IPv4 address that is written as one, and what is no address, as it is."""
    try:
        known = ip_address(client)
    except ValueError:
        return client
    if not isinstance(known, IPv6Address):
        return client
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> 64 << 64)}/64"
