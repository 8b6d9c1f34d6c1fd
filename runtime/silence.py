"""When a machine that says nothing any more is given up by who has a connection to it: one that is gone sends no reset.

In: a socket. Out: the same, with its kernel asking. Two silences are told apart. Where an answer is waited for, the
kernel asks now and then, and the other one's kernel answers, whatever its program is busy with: a slow answer is waited
for. What was sent has to be acknowledged in time; but Linux also ends a connection by that to a peer that is there and
does not read, so it is for those who send what is read at once, and who sends more says `unread` first.

deploy/docker/ has the same times as kernel settings, for nginx, which has no words for them, and for those who answer.
"""

import socket
from collections.abc import Mapping

QUIET = 2  # seconds after which the kernel asks whether the other side is still there
AGAIN = 1  # seconds between two such questions
QUESTIONS = 2  # so many without an answer, and it is gone
UNACKNOWLEDGED = 3.0  # seconds until what was sent must have arrived
RETRANSMISSIONS = 4  # the same where a socket can't be told: by the kernel's reckoning about 6 s
READ_AT_ONCE = 32 * 1024  # bytes that the kernel of any peer takes in, whether or not its program reads

_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
_ASKING = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", QUIET), ("TCP_KEEPINTVL", AGAIN), ("TCP_KEEPCNT", QUESTIONS))
    if hasattr(socket, name)
}


def options() -> Mapping[int, int]:
    """Options of TCP, by their number, for who opens its sockets itself and turns SO_KEEPALIVE on."""
    return _ASKING | ({_USER_TIMEOUT: round(UNACKNOWLEDGED * 1000)} if _USER_TIMEOUT else {})


def watch(connected: socket.socket) -> None:
    """A connection that requests go out on."""
    _set(connected, options())


def ask(listener: socket.socket) -> None:
    """Whoever is let in by it is asked; what is sent to them may wait for long, as they may read as slowly as they
    like.
    """
    _set(listener, _ASKING)


def unread(connected: socket.socket, seconds: float) -> None:
    """What is sent from now on may stay unread for so long."""
    if _USER_TIMEOUT is not None:
        connected.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, round(seconds * 1000))


def _set(one: socket.socket, values: Mapping[int, int]) -> None:
    if one.family in (socket.AF_INET, socket.AF_INET6):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in values.items():
            one.setsockopt(socket.IPPROTO_TCP, option, value)
