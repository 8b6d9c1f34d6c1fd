"""deploy/local/orphans.py, beside the engine's own tests: who is taken for an orphan, and how it is ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local.layout import Layout
from deploy.local.orphans import Orphan, end, left
from deploy.local.programs import Program

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
LEADER = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, cwd=sys.argv[2])
child.stdout.readline()
print(child.pid, flush=True)
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "state/run").mkdir(parents=True)
    return Layout(tmp_path, tmp_path / "state")


@pytest.fixture
def orphan(layout: Layout, request: pytest.FixtureRequest) -> Iterator[int]:
    """A process whose session's leader has ended, below the stack's folder or where the test says."""
    where = getattr(request, "param", None) or str(layout.state)
    command = [sys.executable, "-c", LEADER, DEAF, where]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True) as leader:
        assert leader.stdout is not None
        pid = int(leader.stdout.readline())
        leader.wait()
    (layout.run / "supervisord.pid").write_text(f"{leader.pid}\n")
    yield pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_it_is_found_by_its_session_and_ended_by_force_if_it_does_not_listen(layout: Layout, orphan: int) -> None:
    assert [found.pid for found in left(layout)] == [orphan]
    end(left(layout), [Program("other", (), ("", 0), tier=1)], patience=0.1)
    assert left(layout) == []


@pytest.mark.parametrize("orphan", ["/"], indirect=True)
@pytest.mark.usefixtures("orphan")
def test_one_that_runs_elsewhere_is_somebody_elses(layout: Layout) -> None:
    assert left(layout) == []


@pytest.mark.parametrize("written", ["", "none", "999999999"])
def test_without_a_supervisord_that_was_there_is_none(layout: Layout, written: str) -> None:
    (layout.run / "supervisord.pid").write_text(written)
    assert left(layout) == []


def test_one_is_told_by_name_and_number() -> None:
    assert str(Orphan("users-1", 7)) == "users-1 (pid 7)"
