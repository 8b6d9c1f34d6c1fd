"""One suite for both ways to know who is alive: a folder of files that other processes lock, and DNS.

The folder is real, and so are the processes. The resolver is one of our own with the signature and the errors of the
event loop's, as no process may point the system's resolver elsewhere; test_dns.py asks the system's for what it knows.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from functions.gateway.instances.directory import directory
from functions.gateway.instances.dns import dns
from functions.gateway.instances.watch import Instances, Source

INTERVAL = 0.02  # seconds
PORT = 8000
ONE, OTHER = f"127.0.0.1:{PORT}", f"127.0.0.2:{PORT}"

MEMBER = """
import sys
from pathlib import Path
from runtime.serving.membership import member
with member(Path(sys.argv[1]), sys.argv[2]):
    print("here", flush=True)
    sys.stdin.read()
"""


class World(Protocol):
    """Where instances of `users` come and go."""

    source: Source

    def come(self, address: str) -> None: ...
    def go(self, address: str) -> None: ...
    def darken(self) -> None:
        """From now on nobody can say who is alive."""

    def clear_up(self) -> None:
        """It can be said again."""


class Folder:
    """Instances are processes; they go by being killed."""

    def __init__(self, root: Path) -> None:
        self.source = directory(root)
        self._root = root
        self._folder = root / "users"
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def come(self, address: str) -> None:
        command = [sys.executable, "-c", MEMBER, str(self._folder), address]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        self._processes[address] = process

    def go(self, address: str) -> None:
        process = self._processes.pop(address)
        process.kill()
        process.communicate()

    def darken(self) -> None:
        self._folder.rename(self._root / "elsewhere")
        self._folder.touch()

    def clear_up(self) -> None:
        self._folder.unlink()
        (self._root / "elsewhere").rename(self._folder)

    def end(self) -> None:
        for address in list(self._processes):
            self.go(address)


class Resolver:
    """A resolver that knows one name."""

    def __init__(self) -> None:
        self.source = dns(PORT, None, self.getaddrinfo)
        self._hosts: set[str] = set()
        self._dark = False

    async def getaddrinfo(
        self,
        host: str,
        port: int,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  as asyncio calls it
    ) -> list[tuple[Any, ...]]:
        if self._dark:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if host != "users" or not self._hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, type, socket.IPPROTO_TCP, "", (host, port)) for host in self._hosts]

    def come(self, address: str) -> None:
        self._hosts.add(address.partition(":")[0])

    def go(self, address: str) -> None:
        self._hosts.remove(address.partition(":")[0])

    def darken(self) -> None:
        self._dark = True

    def clear_up(self) -> None:
        self._dark = False


@pytest.fixture(params=["directory", "dns"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "dns":
        yield Resolver()
        return
    folder = Folder(tmp_path)
    yield folder
    folder.end()


class Counted:
    """Counts how often a source was asked."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.asked = 0

    async def __call__(self, name: str) -> frozenset[str]:
        self.asked += 1
        return await self._source(name)


@pytest.fixture
def source(world: World) -> Counted:
    return Counted(world.source)


@pytest.fixture
async def instances(source: Counted) -> AsyncIterator[Instances]:
    made = Instances(source, INTERVAL)
    yield made
    await made.close()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(INTERVAL / 4)


async def two_more_looks(source: Counted) -> None:
    """After the second one, the first has been heeded."""
    before = source.asked
    await until(lambda: source.asked >= before + 2)


async def test_who_is_there_is_known_at_once(world: World, instances: Instances) -> None:
    world.come(ONE)
    world.come(OTHER)
    assert (await instances.watch("users")).addresses == (ONE, OTHER)


async def test_a_name_that_nobody_has_is_a_name_without_members(instances: Instances) -> None:
    assert (await instances.watch("users")).addresses == ()


async def test_another_name_has_other_members(world: World, instances: Instances) -> None:
    world.come(ONE)
    assert (await instances.watch("orders")).addresses == ()


async def test_who_comes_is_seen_at_the_next_look(world: World, instances: Instances, source: Counted) -> None:
    users = await instances.watch("users")
    world.come(ONE)
    await two_more_looks(source)
    assert users.addresses == (ONE,)


async def test_who_goes_is_no_member_at_the_next_look(world: World, instances: Instances, source: Counted) -> None:
    world.come(ONE)
    world.come(OTHER)
    users = await instances.watch("users")
    world.go(ONE)
    await two_more_looks(source)
    assert users.addresses == (OTHER,)


async def test_the_last_one_may_go(world: World, instances: Instances, source: Counted) -> None:
    world.come(ONE)
    users = await instances.watch("users")
    world.go(ONE)
    await two_more_looks(source)
    assert users.addresses == ()


async def test_who_went_is_told_to_whoever_wants_to_know(world: World, instances: Instances) -> None:
    left: list[str] = []
    world.come(ONE)
    world.come(OTHER)
    (await instances.watch("users")).on_left(left.append)
    world.go(OTHER)
    await until(lambda: left == [OTHER])


async def test_who_comes_back_is_a_member_again(world: World, instances: Instances) -> None:
    world.come(ONE)
    users = await instances.watch("users")
    world.go(ONE)
    await until(lambda: users.addresses == ())
    world.come(ONE)
    await until(lambda: users.addresses == (ONE,))


async def test_while_nobody_can_say_the_last_answer_stands(world: World, instances: Instances, source: Counted) -> None:
    left: list[str] = []
    world.come(ONE)
    users = await instances.watch("users")
    users.on_left(left.append)
    world.darken()
    await two_more_looks(source)
    assert (users.addresses, left) == ((ONE,), [])


async def test_what_happened_in_the_dark_is_seen_afterwards(
    world: World, instances: Instances, source: Counted
) -> None:
    world.come(ONE)
    users = await instances.watch("users")
    world.darken()
    await two_more_looks(source)
    world.go(ONE)
    world.clear_up()
    await until(lambda: users.addresses == ())


async def test_a_start_in_the_dark_ends_when_it_can_be_said(world: World, instances: Instances) -> None:
    world.come(ONE)
    world.darken()
    users = await instances.watch("users")
    assert users.addresses == ()
    world.clear_up()
    await until(lambda: users.addresses == (ONE,))


async def test_two_who_watch_one_name_share_one_answer(world: World, instances: Instances, source: Counted) -> None:
    world.come(ONE)
    one, other = await asyncio.gather(instances.watch("users"), instances.watch("users"))
    assert one is other
    assert source.asked == 1
