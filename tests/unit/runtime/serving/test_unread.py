"""A body is read on, and not for ever."""

import asyncio

import pytest

from runtime.asgi import Message
from runtime.serving.unread import announced, read_on


class Body:
    """So many parts of a kibibyte, and what the server says of the last one; it counts what was asked."""

    def __init__(self, parts: int, *, ends: bool = True) -> None:
        self.asked = 0
        self._parts = parts
        self._ends = ends

    async def receive(self) -> Message:
        self.asked += 1
        if self.asked > self._parts:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": bytes(1024), "more_body": self.asked < self._parts or not self._ends}


async def test_to_its_end() -> None:
    body = Body(5)
    await read_on(body.receive)
    assert body.asked == 5


async def test_until_its_caller_has_gone() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    await read_on(gone)


async def test_no_further_than_so_many_bytes() -> None:
    body = Body(10_000)
    await read_on(body.receive, most=4096)
    assert body.asked == 4


async def test_no_longer_than_so_many_seconds() -> None:
    body = Body(2, ends=False)
    await read_on(body.receive, patience=0.01)
    assert body.asked == 3


async def test_an_application_that_is_ended_meanwhile_ends() -> None:
    reading = asyncio.create_task(read_on(Body(0, ends=False).receive))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize(
    ("headers", "so"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"1")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"host", b"a"), (b"content-type", b"text/plain")], False),
    ],
)
def test_a_body_is_announced(headers: list[tuple[bytes, bytes]], so: bool) -> None:  # noqa: FBT001
    assert announced(headers) is so
