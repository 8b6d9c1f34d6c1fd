"""tests/ports.py: what one process was given nobody else is, until it has ended."""

import socket
import subprocess
import sys

from tests.e2e.stack import ROOT
from tests.ports import claim, free_base, free_port

GIVEN = """
from tests.ports import free_base, free_port
print(*[free_base(417) for _ in range(3)], *[free_port() for _ in range(5)], flush=True)
input()
"""


def test_several_processes_at_once_are_given_different_ports() -> None:
    command = [sys.executable, "-c", GIVEN]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    units = []
    for process in running:
        assert process.stdout is not None
        *bases, _, _, _, _, port = map(int, process.stdout.readline().split())
        units += [base // 100 + number for base in bases for number in range(5)] + [port // 100]
    for process in running:
        process.communicate("\n")
    assert len(units) == len({*units}) == 4 * (3 * 5 + 1)


def test_a_port_on_which_somebody_listens_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        taken = listener.getsockname()[1]
        assert taken not in {free_port() for _ in range(200)}


def test_a_block_in_which_somebody_listens_is_not_given_again() -> None:
    base = free_base(3)
    with socket.create_server(("127.0.0.1", base + 2)):
        assert base not in {free_base(3) for _ in range(20)}
    assert base in {free_base(3) for _ in range(20)}


def test_a_name_is_claimed_until_it_is_let_go() -> None:
    first = claim("a name of this test")
    assert first is not None
    assert claim("a name of this test") is None
    first.close()
    again = claim("a name of this test")
    assert again is not None
    again.close()
