"""One gateway and its function, and nginx before it as the local engine runs it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from deploy.local import nginx, packages
from deploy.local.layout import Layout
from deploy.local.programs import nginx as program
from deploy.local.readiness import ready
from deploy.revisions import Revisions
from tests.contract.functions.gateway.town import ROOT, Town
from tests.ports import free_port


@dataclass(frozen=True)
class Before(Layout):
    """A layout in which every slot is one gateway."""

    gateway: int = 0

    def slots(self, function: str) -> dict[str, int]:
        return dict.fromkeys(super().slots(function), self.gateway)


@dataclass(frozen=True)
class Door:
    """Where a client connects: `name` says whether that is nginx or a gateway."""

    name: str
    port: int


@contextmanager
def running(layout: Layout) -> Iterator[None]:
    """nginx, from the moment it listens to the end of the block."""
    layout.nginx.mkdir(parents=True)
    revisions = Revisions(layout.revisions)
    revisions.serve(revisions.take(layout.manifests))
    nginx.render(layout)
    runs = program(layout, packages.require("nginx"), reachable=False)
    process = subprocess.Popen(runs.command, cwd=runs.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not ready(runs):
            assert process.poll() is None, "nginx ended"
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Town]:
    """Nobody else asks its function anything, so what that was asked can be counted."""
    town = Town(tmp_path_factory.mktemp("attacked"), redis_url, name="attacked")
    yield town
    town.end()


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory, attacked: Town) -> Iterator[int]:
    """The port of nginx."""
    layout = Before(ROOT, tmp_path_factory.mktemp("front"), free_port(), gateway=attacked.gateway.port)
    with running(layout):
        yield layout.port


@pytest.fixture(params=["nginx", "gateway"])
def door(request: pytest.FixtureRequest, attacked: Town, front: int) -> Door:
    """Both ways in, one after the other."""
    port = front if request.param == "nginx" else attacked.gateway.port
    return Door(request.param, port)


@pytest.fixture(scope="session")
def inside(attacked: Town) -> Iterator[httpx.Client]:
    """A client of the function, past everybody."""
    with httpx.Client(base_url=attacked.things[0].url, timeout=30) as client:
        yield client
