"""What a client is given of an answer is the same however its bytes come: whole, byte by byte, or cut at random.

It sees that an answer breaks off either before its head or within its content, as what is wrong may show late; but
never does one way of cutting give it an answer and another a failure.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.exchange import Header
from functions.gateway.stages.forward.connection import Connection, Timeouts
from functions.gateway.stages.forward.errors import ForwardError, Misbehaved
from tests.unit.functions.gateway.stages.forward.answers import CASES
from tests.unit.functions.gateway.stages.forward.test_answers_however_cut import SMALL, cut, fine


class Seen(NamedTuple):
    """What a client has of an answer; nothing but `failed` where it was none."""

    failed: type[ForwardError] | None
    status: int = 0
    headers: tuple[Header, ...] = ()
    content: bytes = b""


class Socket:
    """A transport that only closes."""

    def __init__(self) -> None:
        self.closed = False

    def write(self, data: bytes) -> None:
        """Takes a request."""

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """The test goes on at its own pace."""

    def resume_reading(self) -> None:
        """The test goes on at its own pace."""


class Owner:
    """Keeps nothing."""

    def admit(self, connection: Connection) -> None:
        """It is there."""

    def release(self, connection: Connection) -> None:
        """Nobody asks again."""

    def lost(self, connection: Connection) -> None:
        """Nobody asks again."""


async def seen(pieces: Sequence[bytes], method: bytes) -> Seen:
    """Sends a request, and has its answer come in `pieces`; then the peer closes."""
    connection, socket = Connection(Owner(), Timeouts(), monotonic), Socket()
    connection.connection_made(cast("asyncio.Transport", socket))
    asking = asyncio.ensure_future(read(connection, method))
    await asyncio.sleep(0)
    for piece in pieces:
        if socket.closed:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    if not socket.closed:
        connection.eof_received()
    connection.connection_lost(None)
    return await asking


async def read(connection: Connection, method: bytes) -> Seen:
    """All of the answer."""
    try:
        response = await connection.exchange(method, b"", None)
        content = response.content
        while response.stream is not None and (part := await response.stream.read()):
            content += part
    except ForwardError as error:
        return Seen(type(error))
    return Seen(None, response.status, tuple(response.headers), content)


@pytest.mark.parametrize("name", CASES)
async def test_a_client_sees_the_same_of_an_answer_that_comes_whole_and_byte_by_byte(name: str) -> None:
    case = CASES[name]
    whole = await seen([case.wire], case.method)
    assert await seen(fine(case.wire), case.method) == whole
    if case.content is None:
        assert whole.failed is Misbehaved
    elif not case.short:
        assert (whole.failed, whole.status, whole.content) == (None, case.status, case.content)


@given(st.sampled_from(SMALL), st.sampled_from(SMALL), st.lists(st.integers(min_value=0), max_size=12))
def test_wherever_it_is_cut(one: str, other: str, places: list[int]) -> None:
    wire, method = CASES[one].wire + CASES[other].wire, CASES[one].method

    async def both() -> tuple[Seen, Seen]:
        return await seen([wire], method), await seen(cut(wire, places), method)

    whole, pieces = asyncio.run(both())
    assert whole == pieces
