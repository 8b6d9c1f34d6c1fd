"""A second Ctrl-C: what has begun to be put back is put back, and whoever interrupts is told so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.undisturbed import INTERRUPTIONS, apart, interrupted_once, undisturbed

ROOT = Path(__file__).parents[3]

# A deploy that waits to be interrupted while it replaces, and waits for a file while it turns back.
DEPLOY = """
import sys, time
from pathlib import Path
from deploy import rollout
from deploy.plan import Plan
from deploy.undisturbed import apart, go_on

class Fleet:
    def prepare(self, *, everything): return Plan(changed=("users",))
    def migrate(self, function): pass
    def rehearse(self, function): pass
    def keep(self): pass
    def replace(self, function):
        print("replacing", flush=True)
        while True:
            go_on()
            time.sleep(0.01)
    def turn_back(self):
        print("turning back", flush=True)
        apart(["sh", "-c", "until test -e go; do sleep 0.05; done"])
        print("turned back", flush=True)

rollout.deploy(Fleet())
"""


@pytest.mark.parametrize("number", INTERRUPTIONS[:2])
def test_a_second_interruption_does_not_cut_the_turning_back(tmp_path: Path, number: signal.Signals) -> None:
    """Sent to the whole group, as a terminal does it."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", DEPLOY],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "replacing\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "turning back\n"
        for _ in range(3):
            os.killpg(process.pid, number)
            assert process.stderr.readline() == "Still putting things back as they were: wait until that is done.\n"
        (tmp_path / "go").touch()
        assert process.stdout.read() == "turned back\n"
        assert "KeyboardInterrupt" in process.stderr.read()


@pytest.fixture
def nothing_ignored() -> Iterator[None]:
    """Whatever these tests were started by: `nohup` has them ignore a hang-up."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in INTERRUPTIONS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("nothing_ignored")
def test_however_soon_the_second_interruption_comes_only_the_first_is_raised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = [signal.getsignal(number) for number in INTERRUPTIONS]

    def interrupted() -> None:
        with interrupted_once():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                for number in INTERRUPTIONS:
                    os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert capfd.readouterr().err.count("Still putting things back") == len(INTERRUPTIONS)
    assert [signal.getsignal(number) for number in INTERRUPTIONS] == before


def test_afterwards_an_interruption_means_what_it_meant() -> None:
    before = [signal.getsignal(number) for number in INTERRUPTIONS]
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in INTERRUPTIONS] == before


def test_what_runs_apart_is_told_of_an_interruption_by_who_waits_for_it(tmp_path: Path) -> None:
    command = ["sh", "-c", "trap 'touch told; exit 3' TERM; touch began; while :; do sleep 0.05; done"]

    def when_it_has_begun(_signal: int, _frame: object) -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, when_it_has_begun)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            apart(command, cwd=tmp_path)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (tmp_path / "told").exists()


def test_what_an_interruption_of_others_has_ended_before_it_began_is_begun_again(tmp_path: Path) -> None:
    command = ["sh", "-c", "test -e once || { touch once; kill -TERM $$; }; echo done"]
    assert apart(command, cwd=tmp_path).stdout == "done\n"


def test_what_runs_apart_gives_its_output_and_its_code() -> None:
    done = apart(["sh", "-c", "echo out; echo err >&2; cat; exit 7"], env={**os.environ})
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
