"""runtime/http/network.py: who has many addresses is one, and nobody else is."""

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.network import network


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_of_a_64_is_one_client_and_no_other_is(prefix: int, one: int, other: int) -> None:
    def client(prefix: int, host: int) -> str:
        return str(IPv6Address(prefix << 64 | host))

    if IPv6Address(prefix << 64 | one).ipv4_mapped or IPv6Address(prefix << 64 | other).ipv4_mapped:
        return
    assert network(client(prefix, one)) == network(client(prefix, other))
    assert network(client(prefix, one)) != network(client(prefix ^ 1, one))


@pytest.mark.parametrize("client", ["192.0.2.1", "unix:", "", "not an address"])
def test_what_is_no_ipv6_address_is_as_it_is_written(client: str) -> None:
    assert network(client) == client
