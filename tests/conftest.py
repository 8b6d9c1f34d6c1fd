"""What holds for every test: properties are judged by their answers, and what was left out is said in the last line."""

import os
import sys

import pytest
from hypothesis import settings

from deploy.choice import docker_answers
from tests import far

settings.register_profile("portico", deadline=None)  # a busy machine is no fault
settings.register_profile("fuzz", deadline=None, max_examples=1000)  # what `just fuzz` asks for
settings.load_profile("portico")

LEFT_OUT = (
    "Not run: the tests in containers, as no Docker daemon answers. Start Docker, then `just test` runs them too."
)
NO_CABLES = "Not run: the tests that pull cables, which want root and `ip` (iproute2)."


def pytest_configure() -> None:
    """In CI nothing is left out."""
    if os.environ.get("CI") and not far.POSSIBLE:
        pytest.exit(f"{NO_CABLES} In CI they may not be left out.", returncode=1)
    if os.environ.get("CI") and not docker_answers():
        pytest.exit("No Docker daemon answers, and in CI the container tests may not be left out.", returncode=1)


def pytest_unconfigure() -> None:
    """Comes after pytest's own last line."""
    if not far.POSSIBLE:
        print(NO_CABLES, file=sys.stderr)  # noqa: T201  for who reads the terminal
    if not docker_answers():
        print(LEFT_OUT, file=sys.stderr)  # noqa: T201  for who reads the terminal
