"""What only our client promises: failures told apart, early answers, nothing smuggled, flat memory."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest

from functions.gateway.exchange import Receive, Response
from functions.gateway.stages.forward.client import Client, Timeouts
from functions.gateway.stages.forward.errors import (
    ConnectionBroken,
    ConnectionStale,
    HeadTimeout,
    IdleTimeout,
    Misbehaved,
    Misuse,
    UploadFailed,
)
from tests.contract.functions.gateway.stages.forward.peer import Asked, Wire, answering, keeping, listening

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!"
LARGE = 50_000_000
BLOCK = bytes(100_000)
FLAT = 8_000_000


async def get(client: Client, instance: str) -> Response:
    return await client.send(instance, b"GET", b"/", [(b"host", b"x")], b"", 0)


async def post(client: Client, instance: str, body: Receive | bytes, length: int | None) -> Response:
    return await client.send(instance, b"POST", b"/", [(b"host", b"x")], body, length)


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop turn until it is so; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 -- what is waited for has no event: the loop has to read a socket
        await asyncio.sleep(0)


def endless(part: bytes) -> tuple[Receive, list[int]]:
    """A body without end, and how often it was asked for."""
    calls = [0]

    async def read() -> bytes:
        calls[0] += 1
        await asyncio.sleep(0)
        return part

    return read, calls


async def test_a_small_answer_comes_whole_without_a_stream(client: Client) -> None:
    async with listening(keeping(HELLO)) as peer:
        response = await get(client, peer.instance)
    assert (response.status, response.content, response.stream) == (200, b"hello", None)


async def test_a_target_beyond_ascii_goes_out_as_it_came(client: Client) -> None:
    asked: list[Asked] = []

    async def script(wire: Wire) -> None:
        asked.append(await wire.request())
        await wire.send(HELLO)

    async with listening(script) as peer:
        await client.send(peer.instance, b"GET", b"/caf\xc3\xa9", [(b"host", b"x")], b"", 0)
    assert asked[0].line == b"GET /caf\xc3\xa9 HTTP/1.1"


async def test_a_request_that_would_split_never_reaches_the_wire(client: Client) -> None:
    async with listening() as peer:
        with pytest.raises(Misuse):
            await client.send(peer.instance, b"GET", b"/", [(b"host", b"x\r\nx-admin: 1")], b"", 0)
        with pytest.raises(Misuse):
            await post(client, peer.instance, b"hello", 4)
        assert peer.accepted == 0


async def test_a_connection_that_closed_while_idle_is_replaced_in_silence(client: Client) -> None:
    async with listening(answering(HELLO), answering(HELLO)) as peer:
        await get(client, peer.instance)
        await until(lambda: client.pools[peer.instance].open == 0)
        assert (await get(client, peer.instance)).content == b"hello"


@pytest.mark.parametrize("rudely", [False, True])
async def test_a_used_connection_that_closes_before_any_byte_of_an_answer_is_stale(
    client: Client, *, rudely: bool
) -> None:
    async def script(wire: Wire) -> None:
        await answering(HELLO)(wire)
        await wire.request()
        if rudely:
            wire.reset()

    async with listening(script) as peer:
        await get(client, peer.instance)
        with pytest.raises(ConnectionStale) as stale:
            await get(client, peer.instance)
    assert stale.value.sent


@pytest.mark.parametrize("rudely", [False, True])
async def test_a_fresh_connection_that_closes_before_any_byte_of_an_answer_is_broken(
    client: Client, *, rudely: bool
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        if rudely:
            wire.reset()

    async with listening(script) as peer:
        with pytest.raises(ConnectionBroken):
            await get(client, peer.instance)


async def test_a_used_connection_that_closes_within_the_head_is_broken(client: Client) -> None:
    async with listening(answering(HELLO, b"HTTP/1.1 2")) as peer:
        await get(client, peer.instance)
        with pytest.raises(ConnectionBroken):
            await get(client, peer.instance)


async def test_content_until_close_that_is_reset_is_broken(client: Client) -> None:
    read = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Connection: close\r\n\r\nhello")
        await read.wait()
        wire.reset()

    async with listening(script) as peer:
        response = await get(client, peer.instance)
        assert response.stream is not None
        got = response.content or await response.stream.read()
        read.set()
        with pytest.raises(ConnectionBroken):
            await response.stream.read()
        with pytest.raises(ConnectionBroken):
            await response.stream.read()
    assert got == b"hello"


@pytest.mark.parametrize(
    "broken",
    [
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        OK + b"X-Large: " + b"x" * 70_000,
    ],
)
async def test_a_broken_answer_is_refused_and_its_connection_closed(client: Client, broken: bytes) -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(broken)
        await wire.gone()
        gone.set()

    async with listening(script) as peer:
        with pytest.raises(Misbehaved):
            await get(client, peer.instance)
        await gone.wait()


async def test_bytes_after_an_answer_cost_it_the_connection(client: Client) -> None:
    smuggled = OK + b"Content-Length: 4\r\n\r\nevil"
    async with listening(keeping(HELLO + smuggled), keeping(HELLO)) as peer:
        assert (await get(client, peer.instance)).content == b"hello"
        assert (await get(client, peer.instance)).content == b"hello"
        assert peer.accepted == 2


async def test_bytes_that_nobody_asked_for_close_an_idle_connection(client: Client) -> None:
    idle = asyncio.Event()

    async def script(wire: Wire) -> None:
        await answering(HELLO)(wire)
        await idle.wait()
        await wire.send(OK + b"Content-Length: 4\r\n\r\nevil")
        await wire.gone()

    async with listening(script, keeping(HELLO)) as peer:
        await get(client, peer.instance)
        idle.set()
        await until(lambda: client.pools[peer.instance].open == 0)
        assert (await get(client, peer.instance)).content == b"hello"


async def test_an_early_answer_is_delivered_and_the_upload_stopped_for_good(client: Client) -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.send(TOO_LARGE)
        await wire.gone()
        gone.set()

    read, calls = endless(b"x" * 1000)
    async with listening(script, keeping(HELLO)) as peer:
        response = await post(client, peer.instance, read, None)
        asked_for = calls[0]
        assert (response.status, response.content) == (413, b"no!")
        await gone.wait()
        assert calls[0] == asked_for
        assert (await get(client, peer.instance)).content == b"hello"
        assert peer.accepted == 2


async def test_an_early_answer_interrupts_a_body_that_does_not_come(client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.send(TOO_LARGE)
        await wire.gone()

    parts = [b"first"]

    async def read() -> bytes:
        return parts.pop() if parts else await asyncio.get_running_loop().create_future()

    async with listening(script) as peer:
        assert (await post(client, peer.instance, read, 1000)).status == 413


async def test_a_body_that_breaks_off_at_once_was_never_sent(client: Client) -> None:
    async def read() -> bytes:
        raise ConnectionResetError

    async with listening() as peer:
        with pytest.raises(UploadFailed) as failed:
            await post(client, peer.instance, read, 10)
        assert (failed.value.sent, peer.accepted) == (False, 0)


async def test_a_body_that_ends_early_closes_the_connection_instead_of_ending_the_request(client: Client) -> None:
    parts, gone = [b"", b"hello"], asyncio.Event()

    async def read() -> bytes:
        return parts.pop()

    async def script(wire: Wire) -> None:
        await wire.gone()
        gone.set()

    async with listening(script) as peer:
        with pytest.raises(UploadFailed) as failed:
            await post(client, peer.instance, read, 10)
        assert failed.value.sent
        await gone.wait()


async def test_a_client_that_goes_silent_in_its_body_is_not_the_instances_fault(impatient: Client) -> None:
    parts = [b"hello"]

    async def read() -> bytes:
        return parts.pop() if parts else await asyncio.get_running_loop().create_future()

    async with listening(Wire.gone) as peer:
        with pytest.raises(UploadFailed):
            await post(impatient, peer.instance, read, 10)


async def test_an_instance_that_stops_taking_the_body_is_given_up(impatient: Client) -> None:
    async def script(wire: Wire) -> None:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed without its reading half
        await asyncio.get_running_loop().create_future()

    read, _ = endless(bytes(1_000_000))
    async with listening(script) as peer:
        with pytest.raises(IdleTimeout):
            await post(impatient, peer.instance, read, None)


async def test_an_instance_that_takes_the_body_and_does_not_answer_is_given_up(impatient: Client) -> None:
    parts = [b"", b"lo", b"hel"]

    async def read() -> bytes:
        return parts.pop()

    async with listening(keeping(b"")) as peer:
        with pytest.raises(HeadTimeout):
            await post(impatient, peer.instance, read, None)


async def test_a_reader_that_takes_its_time_is_not_the_instances_fault(impatient: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: 20000000\r\n\r\n" + bytes(20_000_000))

    async with listening(script) as peer:
        response = await get(impatient, peer.instance)
        assert response.stream is not None
        await _turns_of_the_sweep(impatient, 20)
        size = len(response.content)
        while not response.stream.ended:
            size += len(await response.stream.read())
        assert size == 20_000_000


async def _turns_of_the_sweep(client: Client, turns: int) -> None:
    """Returns when timeouts have been checked so many times."""
    (pool,) = client.pools.values()
    for _ in range(turns):
        timer = pool._sweeper._timer
        await until(lambda before=timer: pool._sweeper._timer is not before)  # type: ignore[misc]  # bound for its turn


async def test_closing_an_answer_that_has_arrived_keeps_its_connection(client: Client) -> None:
    more = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: 5\r\n\r\nhel")
        await more.wait()
        await wire.send(b"lo")
        await keeping(HELLO)(wire)

    async with listening(script) as peer:
        response = await get(client, peer.instance)
        assert response.stream is not None
        more.set()
        if not response.content:
            await response.stream.read()
        await response.stream.read()
        response.finish()
        response.finish()
        assert (await get(client, peer.instance)).content == b"hello"
        assert peer.accepted == 1


async def test_a_stream_closed_late_does_no_harm_to_who_has_the_connection_now(client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: 5\r\n\r\n")
        await wire.send(b"hello")
        await wire.request()
        await wire.send(HELLO[:-5])
        await wire.request()

    async with listening(script) as peer:
        first = await get(client, peer.instance)
        stream = first.stream
        if stream is not None:
            while await stream.read():
                pass
        second = await get(client, peer.instance)
        first.finish()
        assert not client.pools[peer.instance].idle
        assert second.stream is not None
        second.finish()


async def test_cancelling_an_upload_closes_the_connection_and_leaves_the_body_alone(client: Client) -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.gone()
        gone.set()

    read, calls = endless(b"x" * 1000)
    async with listening(script) as peer:
        task = asyncio.create_task(post(client, peer.instance, read, None))
        await until(lambda: calls[0] > 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        asked_for = calls[0]
        await gone.wait()
        assert calls[0] == asked_for


async def flat(work: Callable[[], Awaitable[None]]) -> None:
    """Does the work and asserts that its memory never grew by much."""
    tracemalloc.start()
    try:
        await work()
        assert tracemalloc.get_traced_memory()[1] < FLAT
    finally:
        tracemalloc.stop()


async def test_fifty_megabytes_come_down_in_flat_memory(client: Client) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: %d\r\n\r\n" % LARGE)
        for _ in range(LARGE // len(BLOCK)):
            await wire.send(BLOCK)

    async def down() -> None:
        async with listening(script) as peer:
            response = await get(client, peer.instance)
            assert response.stream is not None
            size = len(response.content)
            while part := await response.stream.read():
                size += len(part)
                await asyncio.sleep(0)  # slower than the instance
            assert size == LARGE

    await flat(down)


@pytest.mark.parametrize("length", [LARGE, None])
async def test_fifty_megabytes_go_up_in_flat_memory(client: Client, length: int | None) -> None:
    left, received = [LARGE // len(BLOCK)], [0]

    async def read() -> bytes:
        left[0] -= 1
        return BLOCK if left[0] >= 0 else b""

    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        while received[0] < LARGE:
            received[0] += len(await wire.reader.read(65536))
        await wire.send(HELLO)
        await wire.gone()

    async def up() -> None:
        async with listening(script) as peer:
            assert (await post(client, peer.instance, read, length)).status == 200

    await flat(up)
    assert received[0] >= LARGE


EVENTS = OK + b"Content-Type: text/event-stream\r\n\r\n"


async def test_a_stream_of_events_may_be_silent_when_another_answer_may_not(impatient: Client) -> None:
    """It goes on after one that began later has been given up."""
    given_up = asyncio.Event()

    async def events(wire: Wire) -> None:
        await wire.request()
        await wire.send(EVENTS + b"data: 1\n\n")
        await given_up.wait()
        await wire.send(b"data: 2\n\n")

    async with listening(events, keeping(OK + b"Content-Length: 5\r\n\r\nh")) as peer:
        stream = (await get(impatient, peer.instance)).stream
        silent = (await get(impatient, peer.instance)).stream
        assert stream is not None
        assert silent is not None
        with pytest.raises(IdleTimeout):
            await silent.read()
        given_up.set()
        assert await stream.read() in (b"data: 1\n\n", b"data: 2\n\n")


async def test_even_events_are_given_up_when_none_comes_for_too_long() -> None:
    client = Client(Timeouts(connect=5.0, head=0.05, idle=0.05, events=0.1))
    async with listening(keeping(EVENTS)) as peer:
        stream = (await get(client, peer.instance)).stream
        assert stream is not None
        with pytest.raises(IdleTimeout):
            await stream.read()
    await client.close()
