import os
import socket

import pytest

from deploy.engine import Refusal
from deploy.local.ports import holder, require


def test_a_taken_port_is_told_with_who_holds_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refusal, match=rf"^Port {port} is taken by \S+ \(pid {os.getpid()}\): end it\.$"):
            require("127.0.0.1", port, "end it")


def test_a_port_that_is_free_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    require("127.0.0.1", port, "end it")
    require("127.0.0.1", port, "end it")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Refusal, match="set BIND to an address of this machine"):
        require("192.0.2.1", 8080, "end it")


def test_nobody_holds_a_port_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert holder(port) == ""
