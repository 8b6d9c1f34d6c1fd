"""What a test run leaves out on a machine without Docker, and that it says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def collected(place: str = "tests/e2e", **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", place]
    return subprocess.run(command, cwd=ROOT, env=HERE | environment, check=False, capture_output=True, text=True)


def test_without_docker_the_tests_in_containers_are_left_out_and_the_last_line_says_so() -> None:
    run = collected(CI="")
    assert run.returncode == 0
    assert "[local]" in run.stdout
    assert "docker]" not in run.stdout
    assert run.stderr.splitlines()[-1].startswith("Not run: the tests in containers")


@pytest.mark.parametrize(("engine", "other"), [("local", "containers"), ("docker", "plain processes")])
def test_an_engine_that_is_asked_for_leaves_out_the_other_one(engine: str, other: str) -> None:
    run = collected(
        CI="", ENGINE=engine, PORTICO_TEST_NO_CONTAINERS="" if engine == "docker" else "it is not asked for"
    )
    assert run.returncode == 0, run.stdout
    assert f"[{engine}]" in run.stdout
    assert f"[{'docker' if engine == 'local' else 'local'}]" not in run.stdout
    assert run.stderr.splitlines()[-1].startswith(
        f"Not run: the tests {'in' if engine == 'local' else 'on'} {other}, as "
    )


@pytest.mark.parametrize(("engine", "why"), [("docker", "no Docker daemon answers"), ("podman", "is not known")])
def test_an_engine_that_can_not_be_had_is_one_sentence(engine: str, why: str) -> None:
    run = collected(CI="", ENGINE=engine)
    assert run.returncode == 1
    assert why in run.stdout + run.stderr
    assert "::" not in run.stdout


def test_tests_of_units_ask_nobody_for_containers_and_leave_out_none() -> None:
    run = collected("tests/unit/deploy/suite", CI="")
    assert run.returncode == 0
    assert run.stderr == ""


def test_in_ci_an_engine_alone_is_refused() -> None:
    run = collected(CI="true", ENGINE="docker", PORTICO_TEST_NO_CONTAINERS="")
    assert run.returncode == 1
    assert "leaves out those of one" in run.stdout + run.stderr


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
