"""What a test run leaves out on a machine without Docker, and that it says so."""

import os
import subprocess
import sys

from tests.e2e.stack import ROOT

HERE = {**os.environ, "DOCKER_HOST": "unix:///nowhere"}


def collected(**environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "tests/e2e"]
    return subprocess.run(command, cwd=ROOT, env=HERE | environment, check=False, capture_output=True, text=True)


def test_without_docker_the_tests_in_containers_are_left_out_and_the_last_line_says_so() -> None:
    run = collected(CI="")
    assert run.returncode == 0
    assert "[local]" in run.stdout
    assert "docker]" not in run.stdout
    assert run.stderr.splitlines()[-1].startswith("Not run: the tests in containers")


def test_in_ci_nothing_is_left_out() -> None:
    run = collected(CI="true")
    assert run.returncode == 1
    assert "[local]" not in run.stdout
    assert "may not be left out" in run.stdout + run.stderr
