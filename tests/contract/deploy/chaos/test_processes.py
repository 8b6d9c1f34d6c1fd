"""Signals, to processes that are there."""

import subprocess
import sys
from collections.abc import Iterator
from signal import SIGKILL, SIGTERM

import pytest

from deploy.chaos import processes
from deploy.engine import Refusal

PARENT = """
import subprocess, sys
command = [sys.executable, "-c", "print('there', flush=True); input()", "a title of its own"]
child = subprocess.Popen(command, stdin=subprocess.PIPE)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    """Has one child, which has said that it is there."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "there\n"
        yield parent
        parent.kill()


def test_a_process_and_its_title_are_found_below_another_and_killed(parent: "subprocess.Popen[str]") -> None:
    [child] = processes.below(parent.pid)
    assert processes.title(child).endswith("a title of its own")
    processes.send(child, SIGKILL)
    assert parent.wait() == 0
    assert processes.below(parent.pid) == []


def test_a_process_that_is_gone_has_no_title_and_takes_no_signal() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert processes.title(gone.pid) == ""
    with pytest.raises(Refusal, match="no process"):
        processes.send(gone.pid, SIGTERM)
