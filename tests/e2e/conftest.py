"""Every end-to-end test runs on each engine that this machine has: processes, and Docker if a daemon answers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import far
from tests.e2e.stack import Stack, docker_stack, local_stack
from tests.heard import Heard, heard
from tests.left_out import engines

__all__ = ["heard"]

_MAKE = {"local": local_stack, "docker": docker_stack}
_ENGINES = engines()

collect_ignore = [
    *([] if "docker" in _ENGINES else ["test_containers.py"]),
    *([] if "docker" in _ENGINES and far.POSSIBLE else ["test_dead_machines.py"]),
]


@pytest.fixture(scope="session", params=_ENGINES)
def stack(request: pytest.FixtureRequest, heard: Heard) -> Iterator[Stack]:
    """Up, ready, with products; the ends of its logs are printed if a test failed.

    At its end no log of the whole run holds a password, a token or a key.
    """
    with tempfile.TemporaryDirectory(prefix="portico-") as state, _MAKE[request.param](Path(state)) as stack:
        stack.run("seed")
        yield stack
        heard.note_files(stack.secrets)
        assert heard.found_in(stack.logs()) == []
        if request.session.testsfailed:
            print(*(line[:300] for line in stack.logs().splitlines()[-60:]), sep="\n")  # noqa: T201  pytest shows it with the failure


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """One client of the front door."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def _left_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test finds one of each, whatever the one before it killed."""
    yield
    if "stack" in request.fixturenames:
        stack: Stack = request.getfixturevalue("stack")
        stack.restore()


@pytest.fixture
def short_folder() -> Iterator[str]:
    """A place for another stack's state, short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="portico-") as state:
        yield state
