"""runtime/silence.py on sockets of this machine; what it is for is tried in tests/contract/far."""

import socket
from collections.abc import Iterator

import pytest

from runtime import silence


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def asked(one: socket.socket) -> tuple[bool, int]:
    """Whether the kernel asks its other end, and from which second of silence on."""
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)), one.getsockopt(
        socket.IPPROTO_TCP, socket.TCP_KEEPIDLE
    )


def patience(one: socket.socket) -> int:
    """Milliseconds that what is sent may stay unacknowledged; 0: as long as the kernel likes."""
    return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def test_whoever_is_let_in_is_asked_and_may_read_slowly(listener: socket.socket) -> None:
    silence.ask(listener)
    with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
        assert asked(accepted) == (True, silence.QUIET)
        assert patience(accepted) == 0


def test_who_sends_much_is_patient_and_is_so_no_longer_after_it(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as connected:
        silence.watch(connected)
        assert asked(connected) == (True, silence.QUIET)
        assert patience(connected) == 1000 * silence.UNACKNOWLEDGED
        silence.unread(connected, 30.0)
        assert patience(connected) == 30_000


def test_what_is_no_network_is_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        silence.watch(one)
        assert not one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
