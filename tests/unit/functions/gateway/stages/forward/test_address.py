"""An instance's address as text, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.forward.address import Address, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.7:9000", Address("10.0.0.7", 9000)),
        ("[::1]:80", Address("::1", 80)),
        ("https://api.example.com@192.0.2.1:443", Address("192.0.2.1", 443, "api.example.com")),
        ("https://::1@[::1]:443", Address("::1", 443, "::1")),
    ],
)
def test_it_is_what_to_dial_and_whom_to_expect(text: str, address: Address) -> None:
    assert parse(text) == address
    assert str(address) == text


HOSTS = st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True))


@given(HOSTS, st.integers(1, 65_535), st.one_of(st.just(""), HOSTS))
def test_every_address_is_read_as_it_is_shown(host: str, port: int, name: str) -> None:
    assert parse(str(Address(host, port, name))) == Address(host, port, name)
