"""What a test run leaves out on a machine without Docker, and that it says so."""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.stack import ROOT

FOUND = ("PORTICO_TEST_NO_CONTAINERS", "PORTICO_TEST_ENGINE")  # by the run that this is a test of
HERE = {name: value for name, value in os.environ.items() if name not in FOUND} | {"DOCKER_HOST": "unix:///nowhere"}


UNREACHED = """#!/bin/sh
case "$1" in
info) exit 0 ;;
pull) echo 'Error response from daemon: Get "https://images.example/v2/": lookup failed' >&2 ;;
esac
exit 1
"""


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


def test_a_daemon_that_can_not_pull_is_told_once_and_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text(UNREACHED)
    (tmp_path / "docker").chmod(0o755)
    run = collected(CI="", BASE_IMAGES="", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert run.returncode == 0
    assert "docker]" not in run.stdout
    (said,) = [line for line in run.stderr.splitlines() if line.strip()]
    assert said.startswith("Not run: the tests in containers, as the Docker daemon can't pull python:")
    assert "lookup failed" in said
    assert "BASE_IMAGES=local" in said
