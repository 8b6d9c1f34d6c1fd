"""What a route does not take."""

import pytest

from functions.gateway.exchange import Exchange
from functions.gateway.stages.accept import accept
from runtime.http.problem import BODY_TOO_LARGE, KEY_REFUSED, Kind, Problem
from runtime.units import Size
from tests.exchanges import Below, everything, exchange

KEY = (b"idempotency-key", b"once")
CHUNKED = (b"transfer-encoding", b"chunked")


async def refused(asked: Exchange, largest: int = 10, *, keys: bool = False) -> Kind:
    below = Below()
    with pytest.raises(Problem) as raised:
        await accept(largest, keys=keys)(below)(asked)
    assert below.seen == []
    return raised.value.kind


async def accepted(asked: Exchange, largest: int = 10, *, keys: bool = False) -> Exchange:
    below = Below()
    await accept(largest, keys=keys)(below)(asked)
    return below.seen[0]


async def test_a_key_is_refused_where_none_is_honoured() -> None:
    assert await refused(exchange(b"POST", b"/", [KEY])) is KEY_REFUSED


async def test_a_key_passes_where_keys_are_honoured() -> None:
    assert KEY in (await accepted(exchange(b"POST", b"/", [KEY]), keys=True)).headers


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    asked = exchange(b"POST", b"/", [], b"x" * 11, length=11)
    assert await refused(asked) is BODY_TOO_LARGE
    assert await asked.read() == b"x" * 11


async def test_a_body_of_just_the_size_passes() -> None:
    assert (await accepted(exchange(b"POST", b"/", [], b"x" * 10, length=10))).length == 10


async def test_a_chunked_body_of_just_the_size_is_read_to_its_end() -> None:
    seen = await accepted(exchange(b"POST", b"/", [CHUNKED], b"12345", b"67890", length=None))
    assert await everything(seen.read) == b"1234567890"


async def test_a_chunked_body_is_refused_at_the_first_byte_too_many() -> None:
    seen = await accepted(exchange(b"POST", b"/", [CHUNKED], b"1234567890", b"1", length=None))
    assert await seen.read() == b"1234567890"
    with pytest.raises(Problem) as raised:
        await seen.read()
    assert raised.value.kind is BODY_TOO_LARGE
    assert "10 bytes" in raised.value.detail


@pytest.mark.parametrize("length", [1025, None])
async def test_a_size_is_told_in_bytes_however_it_was_written(length: int | None) -> None:
    asked = exchange(b"POST", b"/", [], b"x" * 1025, length=length)
    with pytest.raises(Problem) as raised:
        await everything((await accepted(asked, Size.parse("1KiB"))).read)
    assert raised.value.detail == "This route takes at most 1024 bytes."


async def test_a_route_may_take_no_body_at_all() -> None:
    assert await refused(exchange(b"POST", b"/", [], b"x", length=1), 0) is BODY_TOO_LARGE


async def test_the_name_of_the_coding_may_be_in_any_case() -> None:
    assert (await accepted(exchange(b"POST", b"/", [(b"transfer-encoding", b"Chunked")], length=None))).length is None
