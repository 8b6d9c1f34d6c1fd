"""Shuts the door of a listener, so that it can be closed without losing anybody.

Closing a listener resets every connection that waits to be accepted, with the request that may be written on it: its
client can't know whether that was acted upon. So the listener is bound first to a network interface that there is not:
whoever comes then is refused, which every client may take for "ask somebody else"; whoever was in the queue is
accepted, and has a moment to say what it wants. Linux 5.7 or later, without privileges; elsewhere the door stays open.
It never touches an open connection.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from runtime import log

MOMENT = 0.3  # seconds in which a client that was let in, on a busy machine, sends its request
_PAUSE = 0.005  # seconds between two looks at the queue
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


def listeners(port: int) -> Iterator[socket.socket]:
    """Those of this process at `port`, a second handle of each: the server keeps its own to itself."""
    for entry in Path("/proc/self/fd").iterdir():
        if not entry.is_socket():
            continue
        try:
            found = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # it was closed meanwhile
            continue
        if _listens(found) and found.getsockname()[1] == port:
            yield found
        else:
            found.close()


def _listens(found: socket.socket) -> bool:
    inet = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
    return inet and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _waiting(listener: socket.socket) -> int:
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    return int.from_bytes(info[_WAITING : _WAITING + 4], sys.byteorder)
