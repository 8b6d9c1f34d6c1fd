"""Which connections are used again, how many there are, and when they go."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from functions.gateway.exchange import Response
from functions.gateway.stages.forward.client import Client, Timeouts
from functions.gateway.stages.forward.errors import ConnectFailed, ConnectionBroken
from tests.contract.functions.gateway.stages.forward.peer import Wire, keeping, listening

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def get(client: Client, instance: str) -> Response:
    return await client.send(instance, b"GET", b"/", [(b"host", b"x")], b"", 0)


async def test_an_idle_connection_is_used_again_until_it_is_too_old() -> None:
    clock = Clock()
    client = Client(idle_age=15.0, clock=clock)
    async with listening(keeping(HELLO, HELLO, HELLO), keeping(HELLO)) as peer:
        await get(client, peer.instance)
        clock.now += 14.9
        await get(client, peer.instance)
        assert peer.accepted == 1
        clock.now += 15.1
        await get(client, peer.instance)
        assert peer.accepted == 2
        await client.close()


async def test_a_connection_in_constant_use_is_still_replaced_at_its_maximal_age() -> None:
    clock = Clock()
    client = Client(max_age=30.0, idle_age=15.0, clock=clock)
    async with listening(keeping(*[HELLO] * 9), keeping(HELLO)) as peer:
        for _ in range(4):
            await get(client, peer.instance)
            clock.now += 9.0
        assert peer.accepted == 1
        await get(client, peer.instance)
        assert peer.accepted == 2
        await client.close()


async def test_connections_that_nobody_uses_are_closed_without_being_asked_for() -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await keeping(HELLO)(wire)
        gone.set()

    client = Client(idle_age=0.02)
    async with listening(script) as peer:
        await get(client, peer.instance)
        await gone.wait()
        await client.close()


async def test_a_connection_that_was_made_too_late_for_its_request_is_closed() -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.gone()
        gone.set()

    clock = Clock()
    client = Client(Timeouts(connect=5.0, head=0.05), clock=clock)
    async with listening(script) as peer:
        await client._pool(peer.instance).connect()
        clock.now += 6.0
        await gone.wait()
        await client.close()


async def test_a_connection_that_is_made_just_as_its_request_gives_up_holds_no_place() -> None:
    """As uvloop closes it, and never tells of that."""
    client = Client(Timeouts(connect=5.0), per_instance=2)
    async with listening(*[Wire.gone] * 3, keeping(HELLO)) as peer:
        for _ in range(3):
            asking = asyncio.create_task(get(client, peer.instance))
            await _steps_until(lambda: bool(client.pools and client.pools[peer.instance]._connections))
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
            await _steps_until(lambda: client.pools[peer.instance].open == 0)
        assert (await get(client, peer.instance)).content == b"hello"
        await client.close()


async def _steps_until(true: Callable[[], bool]) -> None:
    """Returns before anybody else runs."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  an event would wake this one after those that it is to come before
            await asyncio.sleep(0)


async def test_the_pool_counts_what_is_open_idle_and_in_use() -> None:
    release = asyncio.Event()

    async def slow(wire: Wire) -> None:
        await wire.request()
        await release.wait()
        await wire.send(HELLO)
        await wire.gone()

    client = Client()
    async with listening(keeping(HELLO, HELLO), slow) as peer:
        await get(client, peer.instance)
        pool = client.pools[peer.instance]
        assert (pool.open, pool.idle, pool.in_use) == (1, 1, 0)
        both = [asyncio.create_task(get(client, peer.instance)) for _ in range(2)]
        await both[0]
        assert (pool.open, pool.idle, pool.in_use) == (2, 1, 1)
        release.set()
        await both[1]
        assert (pool.open, pool.idle, pool.in_use) == (2, 2, 0)
        await client.close()
        assert (pool.open, pool.idle, pool.in_use) == (0, 0, 0)


async def test_that_a_connection_was_made_is_told_before_there_is_an_answer() -> None:
    told, asked = [], asyncio.Event()

    async def hanging(wire: Wire) -> None:
        await wire.request()
        await wire.send(HELLO)
        await wire.request()
        await wire.gone()

    def note(instance: str) -> None:
        told.append(instance)
        asked.set()

    client = Client(Timeouts(connect=5.0))
    client.on_connected(note)
    async with listening(hanging, hanging) as peer:
        first = asyncio.create_task(get(client, peer.instance))
        await asked.wait()
        assert told == [peer.instance]
        await first
        second = asyncio.create_task(get(client, peer.instance))  # over the same one
        await asyncio.sleep(0)
        assert told == [peer.instance]
        second.cancel()
        await client.close()
    with pytest.raises(ConnectFailed):
        await get(client, peer.instance)
    assert told == [peer.instance]


async def test_who_finds_no_connection_free_waits_for_one() -> None:
    client = Client(Timeouts(connect=5.0), per_instance=2)
    async with listening(keeping(*[HELLO] * 20), keeping(*[HELLO] * 20)) as peer:
        answers = await asyncio.gather(*(get(client, peer.instance) for _ in range(20)))
        assert [answer.content for answer in answers] == [b"hello"] * 20
        assert peer.accepted == 2
        await client.close()


async def test_a_turn_that_its_waiter_does_not_take_goes_to_the_next() -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await release.wait()
        await wire.send(HELLO)
        await keeping(HELLO)(wire)

    client = Client(Timeouts(connect=5.0), per_instance=1)

    async def first(instance: str) -> None:
        await get(client, instance)
        leaver.cancel()  # in the very step that called it

    async with listening(script) as peer:
        holder = asyncio.create_task(first(peer.instance))
        await asked.wait()
        leaver, stayer = (asyncio.create_task(get(client, peer.instance)) for _ in range(2))
        await asyncio.sleep(0)  # both queue up
        release.set()
        await holder
        assert (await stayer).content == b"hello"
        assert leaver.cancelled()
        await client.close()


async def test_waiting_for_a_free_connection_is_bounded_by_who_waits_and_not_by_the_connect_timeout() -> None:
    client = Client(Timeouts(connect=0.25), per_instance=1)
    asked, release = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await release.wait()
        await wire.send(HELLO)
        await keeping(HELLO)(wire)

    async with listening(script) as peer:
        busy = asyncio.create_task(get(client, peer.instance))
        await asked.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get(client, peer.instance), 0.5)
        patient = asyncio.create_task(get(client, peer.instance))
        release.set()
        assert [(await answer).content for answer in (busy, patient)] == [b"hello"] * 2
        await client.close()


async def test_an_instance_that_does_not_accept_in_time_was_sent_nothing() -> None:
    client = Client(Timeouts(connect=0.05))
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(address)
        with pytest.raises(ConnectFailed) as failed:
            await get(client, f"127.0.0.1:{address[1]}")
        assert not failed.value.sent
        for each in waiting:
            each.close()
    await client.close()


async def test_a_forgotten_instance_loses_its_idle_connections_at_once_and_busy_ones_when_they_finish() -> None:
    asked, release, gone = asyncio.Event(), asyncio.Event(), [asyncio.Event(), asyncio.Event()]

    async def quick(wire: Wire) -> None:
        await keeping(HELLO, HELLO)(wire)
        gone[0].set()

    async def slow(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await release.wait()
        await wire.send(HELLO)
        await wire.gone()
        gone[1].set()

    client = Client()
    async with listening(quick, slow) as peer:
        await get(client, peer.instance)
        idle, busy = (asyncio.create_task(get(client, peer.instance)) for _ in range(2))
        await idle
        await asked.wait()
        client.forget(peer.instance)
        await gone[0].wait()
        assert not gone[1].is_set()
        release.set()
        assert (await busy).content == b"hello"
        await gone[1].wait()
        client.forget(peer.instance)


async def test_closing_the_client_breaks_off_what_is_busy() -> None:
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await wire.gone()

    client = Client()
    async with listening(script) as peer:
        busy = asyncio.create_task(get(client, peer.instance))
        await asked.wait()
        await client.close()
        with pytest.raises(ConnectionBroken):
            await busy
