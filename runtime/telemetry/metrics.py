"""Metrics in Prometheus's text format 0.0.4: numbers that the request path adds to, written out when somebody asks.

In: families by name, whose children are bound once and then added to in place. Out: what `/metrics` answers. One event
loop adds and writes, so there are no locks, and what an addition costs is an addition.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Generic, Literal, Protocol, TypeVar

MEDIA_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Read = Callable[[], Mapping[tuple[str, ...], float]]  # a number for each combination of the labels' values

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Child(Protocol):
    """One time series, or the few that make a histogram."""

    def lines(self, name: str, labels: str) -> Iterator[str]: ...


C = TypeVar("C", bound=Child)


class Number:
    """Added to in place: `number.value += 1`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def lines(self, name: str, labels: str) -> Iterator[str]:
        yield _line(name, labels, self.value)


class Summary:
    """How many there were, and their sum."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._count += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> Iterator[str]:
        yield _line(f"{name}_sum", labels, self._sum)
        yield _line(f"{name}_count", labels, self._count)


class Histogram:
    """How many there were up to each of `bounds`, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> Iterator[str]:
        counts = list(accumulate(self._counts))
        for bound, count in zip([*map(str, self._bounds), "+Inf"], counts, strict=True):
            yield _line(f"{name}_bucket", ",".join(filter(None, [labels, f'le="{bound}"'])), count)
        yield _line(f"{name}_sum", labels, self._sum)
        yield _line(f"{name}_count", labels, counts[-1])


class Family(Generic[C]):
    """What has one name: a child for each combination of its labels' values."""

    def __init__(self, make: Callable[[], C], labels: Sequence[str]) -> None:
        self._make = make
        self._labels = labels
        self._children: dict[tuple[str, ...], C] = {}

    def of(self, *values: str) -> C:
        """The child with these values, in the labels' order; bind it once where requests are many."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._make()
        return child

    def known(self) -> list[tuple[str, ...]]:
        """The values of each child that there is."""
        return [*self._children]

    def forget(self, gone: set[tuple[str, ...]]) -> None:
        """Drops, in one pass, the children whose values begin so; whoever has one bound adds to it unseen."""
        lengths = {len(values) for values in gone}
        for known in self.known():
            if any(known[:length] in gone for length in lengths):
                del self._children[known]

    def lines(self, name: str) -> Iterator[str]:
        for values, child in self._children.items():
            yield from child.lines(name, _labels(self._labels, values))


class Asked:
    """A family that somebody else keeps, and that is read when it is written out."""

    def __init__(self, read: Read, labels: Sequence[str]) -> None:
        self._read = read
        self._labels = labels

    def lines(self, name: str) -> Iterator[str]:
        for values, value in self._read().items():
            yield _line(name, _labels(self._labels, values), value)


Kind = Literal["counter", "gauge"]


class Metrics:
    """All families of one process. A name that is given again replaces the first, as a lifespan may begin again."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[str, str, Family[Number] | Family[Summary] | Family[Histogram] | Asked]] = {}

    def counter(self, name: str, about: str, *labels: str) -> Family[Number]:
        """Numbers that only grow; `name` ends in `_total`."""
        return self._number("counter", name, about, labels)

    def gauge(self, name: str, about: str, *labels: str) -> Family[Number]:
        """Numbers that go up and down."""
        return self._number("gauge", name, about, labels)

    def summary(self, name: str, about: str, *labels: str) -> Family[Summary]:
        family = Family(Summary, labels)
        self._families[name] = "summary", about, family
        return family

    def histogram(self, name: str, about: str, *labels: str) -> Family[Histogram]:
        """Durations in seconds, from 1 ms to 10 s."""
        family = Family(Histogram, labels)
        self._families[name] = "histogram", about, family
        return family

    def ask(self, kind: Kind, name: str, about: str, read: Read, *labels: str) -> None:
        """Numbers that cost nothing until somebody wants to see them."""
        self._families[name] = kind, about, Asked(read, labels)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return "".join(self._lines()).encode()

    def _number(self, kind: Kind, name: str, about: str, labels: Sequence[str]) -> Family[Number]:
        family = Family(Number, labels)
        self._families[name] = kind, about, family
        return family

    def _lines(self) -> Iterator[str]:
        for name, (kind, about, family) in self._families.items():
            yield f"# HELP {name} {about}\n# TYPE {name} {kind}\n"
            yield from family.lines(name)


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in zip(names, values, strict=True))


def _line(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n"
