"""Shuts the door of a listener, so that it can be closed without losing anybody.

Closing a listener resets every connection that waits to be accepted, with the request that may be written on it: its
client can't know whether that was acted upon. So the listener is bound first to a network interface that there is not:
whoever comes then is refused, which every client may take for "ask somebody else"; whoever was in the queue is
accepted, and has a moment to say what it wants. Linux 5.7 or later, without privileges; elsewhere the door stays open.
It never touches an open connection; `let_go` waits until those of now are closed.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runtime.telemetry import log

MOMENT = 0.3  # seconds in which a client that was let in, on a busy machine, sends its request
_PAUSE = 0.005  # seconds between two looks at the queue
_GLANCE = 0.05  # seconds between two looks at who is connected: where thousands are, one takes milliseconds
_LOOKS = 200  # at most: a server that takes nobody in any more has other troubles
_BIND_TO_INTERFACE = 62  # SO_BINDTOIFINDEX, which Python does not name
_NO_INTERFACE = 2**31 - 1  # the largest index; the kernel numbers from 1
_TCP_INFO_SIZE = 104
_WAITING = 24  # where tcp_info tells of a listener how many wait (tcpi_unacked)

logger = log.get(__name__)


async def shut(port: int, moment: float = MOMENT) -> None:
    """Lets nobody in any more by the listeners of this process at `port`; returns when nobody waits before them."""
    if sys.platform != "linux":
        return
    found = list(listeners(port))
    try:
        for listener in found:
            listener.setsockopt(socket.SOL_SOCKET, _BIND_TO_INTERFACE, _NO_INTERFACE)
        await asyncio.sleep(moment)
        for _ in range(_LOOKS):
            if not any(map(_waiting, found)):
                break
            await asyncio.sleep(_PAUSE)
    except OSError as error:
        logger.warning("the door stays open: who comes now may be reset", error=str(error))
    finally:
        for listener in found:
            listener.close()


async def let_go(port: int, least: float, most: float) -> None:
    """Returns when every connection of now at `port` is closed, after `least` to `most` seconds.

    For a server whose answers end their connection: none that was opened later is ever idle, so nobody writes on one
    just as it closes.
    """
    give_up = time.monotonic() + most
    await asyncio.sleep(min(least, most))
    kept = _connections(port) if sys.platform == "linux" else {""}
    while kept and time.monotonic() < give_up:
        await asyncio.sleep(_GLANCE)
        kept &= _open()


def listeners(port: int) -> Iterator[socket.socket]:
    """Those of this process at `port`, a second handle of each: the server keeps its own to itself."""
    for _, found in _sockets():
        if _listens(found) and found.getsockname()[1] == port:
            yield found
        else:
            found.close()


def _sockets() -> Iterator[tuple[str, socket.socket]]:
    """A second handle of each of this process, with the name that the kernel has for it."""
    for entry in Path("/proc/self/fd").iterdir():
        if not entry.is_socket():
            continue
        try:
            yield str(entry.readlink()), socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # it was closed meanwhile
            continue


def _connections(port: int) -> set[str]:
    """The kernel's names of those that somebody has to `port`."""
    found = set()
    for name, handle in _sockets():
        with handle:
            if _inet(handle) and handle.getsockname()[1] == port and _connected(handle):
                found.add(name)
    return found


def _open() -> set[str]:
    """The kernel's names of all that is open."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            found.add(str(entry.readlink()))
    return found


def _connected(found: socket.socket) -> bool:
    try:
        found.getpeername()
    except OSError:  # it listens, or is only bound
        return False
    return True


def _listens(found: socket.socket) -> bool:
    return _inet(found) and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _inet(found: socket.socket) -> bool:
    return found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM


def _waiting(listener: socket.socket) -> int:
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    return int.from_bytes(info[_WAITING : _WAITING + 4], sys.byteorder)
