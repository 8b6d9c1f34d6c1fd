"""Machines that die without a word: every connection of ours to one, over a cable that the test pulls (tests/far.py).

Where there is no right to make one these tests are left out, and the run's last line says so.
"""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests import far as machine
from tests.databases import postgres_database_url

__all__ = ["postgres_database_url"]

collect_ignore_glob = [] if machine.POSSIBLE else ["test_*.py"]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """As it is served."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def _cable() -> Iterator[machine.Far]:
    made = machine.Far()
    yield made
    made.remove()


@pytest.fixture
def far(_cable: machine.Far) -> Iterator[machine.Far]:
    """The machine over there, plugged in."""
    _cable.plug()
    yield _cable
    _cable.plug()
