"""Rows of what runs, by what is found on its port."""

import socket

from deploy.engine import Instance
from deploy.local.programs import Program
from deploy.local.rows import rows
from deploy.local.supervisor.client import Process


def test_the_front_door_comes_first_and_gateways_say_what_they_serve() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = ("127.0.0.1", listener.getsockname()[1])
        programs = [Program("gateway-1", (), here, 3), Program("nginx", (), ("::1", 1), 4)]
        processes = {
            "gateway-1": Process("gateway-1", "running", 7, 10, 15),
            "nginx": Process("nginx", "fatal", 0, 0, 15),
        }
        assert rows(programs, processes, {"gateway-1": "abc"}) == [
            Instance("nginx", "[::1]:1", "fatal", 0, None),
            Instance("gateway-1", f"127.0.0.1:{here[1]}", "ready", 7, 5.0, "abc"),
        ]
