"""What is edited in the course of a run, and that it is as before afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from deploy.apply import Applied
from deploy.chaos import applies
from deploy.engine import Engine, Refusal
from functions.gateway.routes import compile_routes
from runtime.http.url import Url
from runtime.manifest import Manifest, ManifestError, read_all

ORDERS = """name = "orders"
[app]
module = "orders"
[defaults]
deadline = "2s"
[[route]]
match = "POST /orders"
limit = "600/1m burst 100"
"""
ODD = Url.parse("http://127.0.0.1:9")


class Stack:
    """Notes what gateways took in, which is refused as an engine does, unless `careless`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.taken: list[list[Manifest]] = []
        self.careless = False
        self.late: list[str] = []

    def make(self, root: Path) -> Engine:
        return cast("Engine", _Engine(self, root))


class _Engine:
    def __init__(self, stack: Stack, root: Path) -> None:
        self._stack = stack
        self._root = root

    def apply(self) -> Applied:
        try:
            manifests = read_all(self._root / "functions")
            compile_routes(manifests)
        except ManifestError:
            if not self._stack.careless:
                raise
            return Applied("x")
        self._stack.taken.append(manifests)
        return Applied("x", late=self._stack.late)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "functions" / "orders").mkdir(parents=True)
    (tmp_path / "functions" / "orders" / "function.toml").write_text(ORDERS)
    (tmp_path / ".dockerignore").touch()
    (tmp_path / "docker-compose.yml").write_text("include:\n      - functions/orders/compose.yml\n")
    return Stack(tmp_path)


def bursts(stack: Stack) -> list[int]:
    return [taken[-1].route[0].limit.limit.burst for taken in stack.taken if taken[-1].route[0].limit]


def test_a_service_comes_and_goes(stack: Stack) -> None:
    applies.add_upstream(stack.make, stack.root, ODD)
    assert [[manifest.name for manifest in taken] for taken in stack.taken] == [["odd", "orders"], ["orders"]]


def test_a_limit_is_another_each_time_and_then_as_before(stack: Stack) -> None:
    applies.edit_limit(stack.make, stack.root, 3)
    assert bursts(stack) == [100, 101, 102, 100]


def test_a_mistake_is_not_taken_in_and_what_mends_it_is(stack: Stack) -> None:
    applies.mistype(stack.make, stack.root)
    assert bursts(stack) == [99, 100]


def test_a_mistake_that_is_taken_in_is_told(stack: Stack) -> None:
    stack.careless = True
    with pytest.raises(Refusal, match="with a mistake"):
        applies.mistype(stack.make, stack.root)


EDITS: list[Callable[[Stack], None]] = [
    lambda stack: applies.add_upstream(stack.make, stack.root, ODD),
    lambda stack: applies.edit_limit(stack.make, stack.root, 1),
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_gateway_that_takes_nothing_in_is_told(stack: Stack, edit: Callable[[Stack], None]) -> None:
    stack.late = ["gateway-2"]
    with pytest.raises(Refusal, match="gateway-2"):
        edit(stack)
