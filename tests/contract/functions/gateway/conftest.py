"""A town to ask: one that all tests share and leave as it is, and those that a test may damage."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.functions.gateway.changing import Changing
from tests.contract.functions.gateway.house import House
from tests.contract.functions.gateway.town import Started, Town
from tests.heard import Heard, heard
from tests.tokens import Signer

__all__ = ["heard"]


def a_name() -> str:
    """No other run has it, so no other run has used up its limits."""
    return f"things-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Whose tokens the shared town believes."""
    return Signer()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, redis_url: str, signer: Signer, heard: Heard) -> Iterator[Town]:
    """Shared: nothing in it may be killed. Its logs hold no secret in the end."""
    made = Town(tmp_path_factory.mktemp("town"), redis_url, name=a_name())
    made.key_set.write_bytes(signer.key_set)
    yield made
    made.end()
    assert heard.found_in(made.logs()) == []


@pytest.fixture
def start(tmp_path: Path, redis_url: str) -> Iterator[Started]:
    """Starts a town for this test alone; give `instances`."""
    made: list[Town] = []

    def start(*, instances: int = 1) -> Town:
        made.append(Town(tmp_path, redis_url, name=a_name(), instances=instances))
        return made[-1]

    yield start
    for each in made:
        each.end()


@pytest.fixture
async def house(tmp_path: Path, redis_url: str, heard: Heard) -> AsyncIterator[House]:
    """The real users and gateways, for this test alone; nothing runs yet. Their logs hold no secret in the end."""
    made = await House.made(tmp_path, redis_url)
    yield made
    made.end()
    heard.note_files(made.keys)
    assert heard.found_in(made.logs()) == []


@pytest.fixture
async def person() -> AsyncIterator[httpx.AsyncClient]:
    """A client of whatever it names."""
    async with httpx.AsyncClient(timeout=30) as made:
        yield made


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shared town's gateway."""
    async with httpx.AsyncClient(base_url=town.url, timeout=30) as made:
        yield made


@pytest.fixture
async def inside(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shared town's function, past the gateway."""
    async with httpx.AsyncClient(base_url=town.things[0].url, timeout=30) as made:
        yield made


@pytest.fixture
def changing(tmp_path: Path, redis_url: str) -> Iterator[Changing]:
    """A town for this test alone, whose manifests change."""
    made = Changing(tmp_path, redis_url, a_name())
    yield made
    made.end()


@pytest.fixture
async def visitor(changing: Changing) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its gateway."""
    async with httpx.AsyncClient(base_url=changing.town.url, timeout=30) as made:
        yield made
