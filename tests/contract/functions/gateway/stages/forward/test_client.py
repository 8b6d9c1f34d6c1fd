"""What a client of HTTP/1.1 does, told by the same scripts to ours and to httpx: its expectations are the oracle's."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contract.functions.gateway.stages.forward.conftest import Asking
from tests.contract.functions.gateway.stages.forward.peer import Asked, Wire, answering, keeping, listening

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


def body(*parts: bytes) -> Callable[[], Awaitable[bytes]]:
    left = [*parts, b""]

    async def read() -> bytes:
        return left.pop(0)

    return read


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (HELLO, b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\nX-Trailer: t\r\n\r\n", b"hello"),
        (OK + b"Connection: close\r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO, b"hello"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" + HELLO, b"hello"),
    ],
)
async def test_content_ends_where_its_framing_says(asking: Asking, answer: bytes, content: bytes) -> None:
    async with listening(answering(answer)) as peer:
        told = await asking.ask(peer.instance)
        assert await told.content() == content
        assert told.status == int(answer.rpartition(b"HTTP/1.")[2][2:5])


async def test_an_answer_that_comes_byte_by_byte_is_the_same(asking: Asking) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        for byte in HELLO:
            await wire.send(bytes([byte]))

    async with listening(script) as peer:
        told = await asking.ask(peer.instance)
        assert (told.status, await told.content()) == (200, b"hello")


async def test_heads_answer_has_a_length_and_no_content_and_its_connection_is_used_again(asking: Asking) -> None:
    async with listening(keeping(OK + b"Content-Length: 5\r\n\r\n", HELLO)) as peer:
        told = await asking.ask(peer.instance, b"HEAD")
        assert ((b"content-length", b"5") in told.headers, await told.content()) == (True, b"")
        assert await (await asking.ask(peer.instance)).content() == b"hello"
        assert peer.accepted == 1


async def test_several_cookies_stay_apart_and_in_order_and_values_keep_their_bytes(asking: Asking) -> None:
    answer = OK + b"Set-Cookie: a=1; Path=/\r\nX-Name: caf\xe9\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    async with listening(answering(answer)) as peer:
        told = await asking.ask(peer.instance)
    assert told.headers[:3] == [(b"set-cookie", b"a=1; Path=/"), (b"x-name", b"caf\xe9"), (b"set-cookie", b"b=2")]


@pytest.mark.parametrize("target", [b"/users/%2e%2e", b"/a%2Fb//c/../d?q=%zz&q", b"/?\"<>\\^`{|}'", b"*"])
async def test_target_and_fields_go_out_byte_for_byte(asking: Asking, target: bytes) -> None:
    asked: list[Asked] = []

    async def script(wire: Wire) -> None:
        asked.append(await wire.request())
        await wire.send(HELLO)

    async with listening(script) as peer:
        await (await asking.ask(peer.instance, b"OPTIONS", target, ((b"x-name", b"caf\xe9; a, b"),))).content()
    assert asked[0].line == b"OPTIONS " + target + b" HTTP/1.1"
    assert b"x-name: caf\xe9; a, b" in [line.replace(b"X-Name", b"x-name") for line in asked[0].fields]


@pytest.mark.parametrize(
    ("given", "length", "framing"),
    [
        (b"hello", 5, b"content-length: 5"),
        (body(b"he", b"llo"), 5, b"content-length: 5"),
        (body(b"he", b"llo"), None, b"transfer-encoding: chunked"),
    ],
)
async def test_a_body_arrives_whole_in_the_framing_that_fits(
    asking: Asking, given: bytes | Callable[[], Awaitable[bytes]], length: int | None, framing: bytes
) -> None:
    asked: list[Asked] = []

    async def script(wire: Wire) -> None:
        asked.append(await wire.request())
        await wire.send(HELLO)

    given = given if isinstance(given, bytes) else body(b"he", b"llo")
    async with listening(script) as peer:
        assert (await asking.ask(peer.instance, b"POST", b"/", (), given, length)).status == 200
    assert asked[0].content == b"hello"
    assert framing in asked[0].head.lower().split(b"\r\n")


async def test_events_arrive_as_they_are_sent(asking: Asking) -> None:
    heard = asyncio.Queue[None]()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            await heard.get()
            await wire.send(b"9\r\ndata: x\n\n\r\n")
        await wire.send(b"0\r\n\r\n")

    async with listening(script) as peer:
        told = await asking.ask(peer.instance)
        events = told.read()
        for _ in range(3):
            heard.put_nowait(None)  # only now is the next event sent
            assert await anext(events) == b"data: x\n\n"
        assert [part async for part in events] == []


async def test_one_connection_serves_one_request_after_another(asking: Asking) -> None:
    async with listening(keeping(HELLO, OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HELLO)) as peer:
        contents = [await (await asking.ask(peer.instance)).content() for _ in range(3)]
        assert (contents, peer.accepted) == ([b"hello", b"", b"hello"], 1)


async def test_connection_close_is_honoured(asking: Asking) -> None:
    async with listening(
        keeping(OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"), answering(HELLO)
    ) as peer:
        assert await (await asking.ask(peer.instance)).content() == b"hello"
        assert await (await asking.ask(peer.instance)).content() == b"hello"
        assert peer.accepted == 2


@pytest.mark.parametrize(
    "rest", [b"Content-Length: 9\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
@pytest.mark.parametrize("rudely", [False, True])
async def test_content_that_stops_short_never_looks_like_an_end(asking: Asking, rest: bytes, *, rudely: bool) -> None:
    read = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + rest)
        await read.wait()
        if rudely:
            wire.reset()

    async with listening(script) as peer:
        parts = (await asking.ask(peer.instance)).read()
        assert await anext(parts) == b"hello"
        read.set()
        with pytest.raises(asking.broken):
            await anext(parts)


async def test_a_refused_connection_is_told_apart(asking: Asking) -> None:
    async with listening() as peer:
        instance = peer.instance
    with pytest.raises(asking.refused):
        await asking.ask(instance)


@pytest.mark.parametrize("broken", [b"NONSENSE\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", OK + b"Content-Length: x\r\n\r\n"])
async def test_what_is_not_http_is_refused(asking: Asking, broken: bytes) -> None:
    async with listening(keeping(broken)) as peer:
        with pytest.raises(asking.misbehaved):
            await asking.ask(peer.instance)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200", OK + b"X: y\r\n"])
async def test_a_connection_that_closes_before_the_head_is_whole_is_broken(asking: Asking, before: bytes) -> None:
    async with listening(answering(before)) as peer:
        with pytest.raises(asking.broken):
            await asking.ask(peer.instance)


async def test_a_head_that_does_not_come_is_given_up(hasty: Asking) -> None:
    async with listening(keeping(b"")) as peer:
        with pytest.raises(hasty.late):
            await hasty.ask(peer.instance)


async def test_content_that_stops_coming_is_given_up(hasty: Asking) -> None:
    async with listening(keeping(OK + b"Content-Length: 9\r\n\r\nhello")) as peer:
        told = await hasty.ask(peer.instance)
        with pytest.raises(hasty.late):
            await told.content()


async def test_cancelling_closes_the_connection(asking: Asking) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await wire.gone()
        gone.set()

    async with listening(script) as peer:
        task = asyncio.create_task(_discard(asking, peer.instance))
        await asked.wait()
        task.cancel()
        await gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _discard(asking: Asking, instance: str) -> None:
    await asking.ask(instance)


async def test_closing_an_answer_early_closes_the_connection(asking: Asking) -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(OK + b"Content-Length: 9\r\n\r\nhello")
        await wire.gone()
        gone.set()

    async with listening(script) as peer:
        told = await asking.ask(peer.instance)
        await told.close()
        await gone.wait()
