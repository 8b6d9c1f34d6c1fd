"""Instances that are tried: real processes, on a port of their own."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.local.layout import Layout
from deploy.local.programs import Program, instance
from deploy.local.trial import shown
from deploy.together import together


@pytest.fixture
def usual(checkout: Path, tmp_path: Path) -> Program:
    """The first instance of users, as it would run in the checkout."""
    return instance(Layout(checkout, tmp_path), "users", 1)


def test_one_that_works_is_none_that_is_found_and_is_gone_afterwards(usual: Program, tmp_path: Path) -> None:
    log = tmp_path / "trial.log"
    assert shown(usual, "users", ["users"], log) == ""
    assert '"ready"' in log.read_text()
    processes = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert str(usual.directory) not in processes
    assert not (tmp_path / "members").exists()


def test_one_that_ends_is_told_with_what_it_said_and_where(usual: Program, checkout: Path, tmp_path: Path) -> None:
    (checkout / "functions/users/broken").touch()
    said = shown(usual, "users", ["users"], tmp_path / "trial.log")
    assert said.startswith("it stopped right after its start. Nothing was replaced.")
    assert "the settings are wrong" in said
    assert str(tmp_path / "trial.log") in said


def test_one_that_does_not_answer_its_smoke_call_is_told(usual: Program, checkout: Path, tmp_path: Path) -> None:
    (checkout / "functions/users/wrong").touch()
    assert shown(usual, "users", ["users"], tmp_path / "trial.log").startswith("GET /smoke was answered 500")


def test_one_that_is_no_longer_wanted_is_ended(usual: Program, tmp_path: Path) -> None:
    never = replace(usual, command=(sys.executable, "-c", "import time; time.sleep(600)"))
    log = tmp_path / "trial.log"

    def fails() -> None:
        while not log.exists():
            os.sched_yield()
        raise Refusal("the cause")

    with pytest.raises(Refusal, match="the cause"):
        together([lambda: shown(never, "users", [], log), fails])
