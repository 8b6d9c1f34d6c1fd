"""The system's own resolver, for names that need no network, and the errors that it can give."""

import socket
from typing import Any

import pytest

from functions.gateway.instances.dns import dns, located
from runtime.http.url import Url


def failing(number: int) -> Any:  # noqa: ANN401  whatever takes what getaddrinfo takes
    async def resolve(*_: object, **__: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror(number, "as the resolver has it")

    return resolve


async def test_a_name_is_its_addresses_and_the_port() -> None:
    assert await dns(8000)("localhost") == {"127.0.0.1:8000"}


async def test_a_name_may_be_looked_up_as_another() -> None:
    assert await dns(8000, {"gateway": "localhost"})("gateway") == {"127.0.0.1:8000"}


async def test_an_address_is_its_own_name() -> None:
    assert await dns(8000)("127.0.0.9") == {"127.0.0.9:8000"}


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_NODATA])
async def test_a_service_without_instances_is_no_error(number: int) -> None:
    assert await dns(8000, None, failing(number))("users") == frozenset()


@pytest.mark.parametrize("number", [socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM])
async def test_a_resolver_that_cannot_say_is_an_error(number: int) -> None:
    with pytest.raises(OSError, match="as the resolver has it"):
        await dns(8000, None, failing(number))("users")


def answering(*found: tuple[int, str]) -> Any:  # noqa: ANN401  whatever takes what getaddrinfo takes
    async def resolve(*_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(family, 1, 6, "", (address, 0)) for family, address in found]

    return resolve


async def of(url: str, resolve: Any = None) -> frozenset[str]:  # noqa: ANN401  as above
    return await located({"legacy": Url.parse(url)}, resolve)("legacy")


async def test_a_service_of_others_is_at_all_addresses_of_its_name() -> None:
    four, six = (socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")
    assert await of("http://legacy:90", answering(four, (four[0], "192.0.2.2"))) == {"192.0.2.1:90", "192.0.2.2:90"}
    assert await of("http://legacy:90", answering(six, four)) == {"192.0.2.1:90"}
    assert await of("http://legacy:90", answering(six)) == {"[2001:db8::1]:90"}


async def test_where_tls_is_spoken_the_address_says_whose_certificate_is_expected() -> None:
    assert await of("https://legacy", answering((socket.AF_INET, "192.0.2.1"))) == {"https://legacy@192.0.2.1:443"}


async def test_a_name_of_this_machine_needs_no_network() -> None:
    assert await of("http://localhost:90") == {"127.0.0.1:90"}


async def test_a_name_that_nobody_has_is_nobody_and_a_resolver_that_cannot_say_is_an_error() -> None:
    assert await of("http://legacy", failing(socket.EAI_NONAME)) == frozenset()
    with pytest.raises(OSError, match="as the resolver has it"):
        await of("http://legacy", failing(socket.EAI_AGAIN))
