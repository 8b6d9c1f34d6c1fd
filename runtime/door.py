"""Shuts the door of a listener, so that it can be closed without losing anybody.

Closing a listener resets every connection that waits to be accepted, with the request that may be written on it: its
client can't know whether that was acted upon. So the kernel is asked first to drop each new SYN; whoever was in the
queue is accepted, and has a moment to say what it wants. A client that is dropped has sent nothing: it gives up soon,
or tries again and is refused. Linux only; elsewhere the door stays open. It never touches an open connection.
"""

import asyncio
import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

MOMENT = 0.3  # seconds in which a client that was let in, on a busy machine, sends its request
_PAUSE = 0.005  # seconds between two looks at the queue
_LOOKS = 200  # at most: a server that takes nobody in any more has other troubles
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, which Python does not name
_TCP_INFO_SIZE = 104
_WAITING = 24  # where tcp_info tells of a listener how many wait (tcpi_unacked)
# Of a segment's flags: drop what has SYN and not ACK, take all else (classic BPF: code, true, false, value).
_NO_NEWCOMERS = b"".join(
    struct.pack("HBBI", *step)
    for step in ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
)


async def shut(port: int, moment: float = MOMENT) -> None:
    """Lets nobody in any more by the listeners of this process at `port`; returns when nobody waits before them."""
    if sys.platform != "linux":
        return
    listeners = list(_listeners(port))
    try:
        for listener in listeners:
            _drop_newcomers(listener)
        await asyncio.sleep(moment)
        for _ in range(_LOOKS):
            if not any(_waiting(listener) for listener in listeners):
                break
            await asyncio.sleep(_PAUSE)
    finally:
        for listener in listeners:
            listener.close()


def _listeners(port: int) -> Iterator[socket.socket]:
    """A second handle of each: the server keeps its own to itself."""
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


def _drop_newcomers(listener: socket.socket) -> None:
    program = ctypes.create_string_buffer(_NO_NEWCOMERS, len(_NO_NEWCOMERS))
    steps = len(_NO_NEWCOMERS) // 8
    listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", steps, ctypes.addressof(program)))


def _waiting(listener: socket.socket) -> int:
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    return int.from_bytes(info[_WAITING : _WAITING + 4], sys.byteorder)
