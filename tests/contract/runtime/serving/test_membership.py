"""runtime/serving/membership.py: who is alive, with real processes and the kernel's locks."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from runtime.serving.membership import member, members

JOIN = """
import sys
from pathlib import Path
from runtime.serving.membership import member
with member(Path(sys.argv[1]), sys.argv[2]):
    print("in", flush=True)
    sys.stdin.read()
"""


@contextmanager
def joined(folder: Path, address: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that is a member, and leaves when its input ends."""
    command = [sys.executable, "-c", JOIN, str(folder), address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


def test_where_nobody_ever_was_there_is_nobody(tmp_path: Path) -> None:
    assert members(tmp_path / "nowhere") == frozenset()


def test_a_member_is_one_for_the_length_of_the_block(tmp_path: Path) -> None:
    folder = tmp_path / "users"
    with member(folder, "127.0.0.1:9000"):
        assert members(folder) == {"127.0.0.1:9000"}
    assert members(folder) == frozenset()
    assert list(folder.iterdir()) == []


def test_other_processes_are_seen_until_they_leave(tmp_path: Path) -> None:
    with joined(tmp_path, "a:1"), joined(tmp_path, "b:2") as leaving:
        assert members(tmp_path) == {"a:1", "b:2"}
        leaving.communicate()
        assert members(tmp_path) == {"a:1"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_process_that_dies_is_nobody_however_it_died(tmp_path: Path, number: int) -> None:
    with joined(tmp_path, "a:1") as process:
        process.send_signal(number)
        process.wait()
        assert members(tmp_path) == frozenset()


def test_a_process_that_only_stopped_is_still_a_member(tmp_path: Path) -> None:
    with joined(tmp_path, "a:1") as process:
        process.send_signal(signal.SIGSTOP)
        assert members(tmp_path) == {"a:1"}


def test_the_file_of_the_dead_is_taken_over(tmp_path: Path) -> None:
    with joined(tmp_path, "a:1") as process:
        process.kill()
        process.wait()
    with member(tmp_path, "a:1"):
        assert members(tmp_path) == {"a:1"}


def test_who_comes_while_another_leaves_is_seen(tmp_path: Path) -> None:
    """They share an address: what one waited for may be a file that another has just removed."""

    def seen(_turn: int) -> bool:
        with member(tmp_path, "a:1"):
            return members(tmp_path) == {"a:1"}

    with ThreadPool(4) as threads:
        assert all(threads.map(seen, range(400)))


def test_reading_costs_a_member_nothing(tmp_path: Path) -> None:
    with joined(tmp_path, "a:1"):
        assert {members(tmp_path) for _ in range(200)} == {frozenset({"a:1"})}
        with ThreadPool(4) as threads:
            assert set(threads.map(lambda _: members(tmp_path), range(200))) == {frozenset({"a:1"})}


def test_an_error_inside_the_block_ends_the_membership(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), member(tmp_path, "a:1"):
        raise ZeroDivisionError
    assert members(tmp_path) == frozenset()


def test_a_file_that_was_removed_meanwhile_is_no_error(tmp_path: Path) -> None:
    with member(tmp_path, "a:1"):
        (tmp_path / "a:1").unlink()
        assert members(tmp_path) == frozenset()


def test_a_child_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    with member(tmp_path, "a:1"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    assert members(tmp_path) == frozenset()
    child.communicate()


@pytest.mark.parametrize("kind", ["fifo", "socket", "loop", "folder", "nowhere", "unreadable", "no text"])
def test_what_is_no_member_keeps_nobody_from_being_seen(tmp_path: Path, kind: str) -> None:
    """A pipe without a writer would even hold whoever opens it, for ever."""
    with ThreadPool(1) as pool, member(tmp_path, "a:1"), socket.socket(socket.AF_UNIX) as bound:
        odd = tmp_path / "b:2"
        match kind:
            case "fifo":
                os.mkfifo(odd)
            case "socket":
                bound.bind(str(odd))
            case "loop":
                odd.symlink_to(odd)
            case "folder":
                odd.mkdir()
            case "nowhere":
                odd.symlink_to(tmp_path / "nowhere")
            case "unreadable":
                odd.touch(0)
            case "no text":
                Path(os.fsdecode(b"%b/\xff:2" % os.fsencode(tmp_path))).touch()
        assert pool.apply_async(members, (tmp_path,)).get(10) == {"a:1"}


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"), member(tmp_path / "file" / "users", "a:1"):
        os.abort()
