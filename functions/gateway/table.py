"""Routes -> a table: which of them a method and a path belong to, in a few dictionary look-ups."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from functions.gateway.routes import Route

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    """One step of a path: what is served when the path ends here, and where it may go on."""

    served: dict[str, T] = field(default_factory=dict)
    steps: dict[str, "_Node[T]"] = field(default_factory=dict)
    parameter: "_Node[T] | None" = None
    rest: dict[str, T] = field(default_factory=dict)  # what is served at everything below


class Table(Generic[T]):
    """Looks up what a path serves, by method. A literal step is preferred to a parameter, and that to a rest."""

    def __init__(self, routes: "Iterable[Route]", make: "Callable[[Route], T]") -> None:
        self._root: _Node[T] = _Node()
        for route in routes:
            node = self._root
            *steps, last = split(route.path)
            for step in steps:
                node = _next(node, step)
            served = node.rest if _is_rest(last) else _next(node, last).served
            served[route.method] = make(route)

    def find(self, path: str) -> dict[str, T]:
        """What is served at `path` (percent-decoded, as the function will see it), by method; empty when nothing is."""
        return _find(self._root, split(path), 0)


def _next(node: _Node[T], step: str) -> _Node[T]:
    if _is_parameter(step):
        node.parameter = node.parameter or _Node()
        return node.parameter
    return node.steps.setdefault(step, _Node())


def _find(node: _Node[T], steps: list[str], index: int) -> dict[str, T]:
    if index == len(steps):
        return node.served
    step = steps[index]
    if (literal := node.steps.get(step)) and (found := _find(literal, steps, index + 1)):
        return found
    if node.parameter is not None and step and (found := _find(node.parameter, steps, index + 1)):
        return found
    return node.rest


def split(path: str) -> list[str]:
    """A path's steps: what stands between its slashes."""
    return path.split("/")[1:]


def shape(step: str) -> str:
    """What a step matches, whatever it calls that."""
    return step if not _is_parameter(step) else "{...}" if _is_rest(step) else "{}"


def _is_parameter(step: str) -> bool:
    return step.startswith("{")


def _is_rest(step: str) -> bool:
    """`{name...}`: one step or many; an empty one, too, so that what is below `/a/` begins with `/a/` itself."""
    return step.endswith("...}")
