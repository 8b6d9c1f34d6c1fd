"""What every route ends up with, and who said so: the route, its function's defaults, or the gateway.

In: manifests. Out: a table for people, or JSON for programs (`just routes`, `just routes --json`).
Nothing is decided here: what can't be served is refused by routes.py before anything is shown.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from functions.gateway.routes import CEILINGS, DEFAULTS, GATEWAY, Route, compile_routes
from runtime.manifest import FILE, Manifest, Policy, read_all

# Who may have said a value, and how the table marks it.
MARKS = {"route": "", "function": "*", "gateway": "+"}
LEGEND = f"* by [defaults] of the function's {FILE}   + by the gateway   ! as high as the gateway allows"

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One policy of a route; `source` is a key of MARKS, `ceiling` the most that the gateway allows, if it has one."""

    value: Any
    source: str
    ceiling: Any = None

    @property
    def marked(self) -> str:
        return f"{shown(self.value)}{MARKS[self.source]}{'!' if self.value == self.ceiling else ''}"

    @property
    def told(self) -> str:
        most = "" if self.ceiling is None else f"; at most {shown(self.ceiling)}"
        return f"{shown(self.value)} ({self.source}{most})"


@dataclass(frozen=True, slots=True)
class Listed:
    """A route with its policies by name; those that nobody set are not there. `key`: where the manifest has it."""

    route: Route
    key: str
    policies: dict[str, Value]

    @property
    def file(self) -> str:
        return f"functions/{self.route.function}/{FILE}"


def listed(manifests: Sequence[Manifest]) -> list[Listed]:
    """Every route, in the order of the manifests. Raises ManifestError with whatever can't be served."""
    routes = iter(compile_routes(manifests))
    return [
        Listed(next(routes), f"route[{index}]", dict(_policies(declared, manifest.defaults)))
        for manifest in manifests
        if manifest.name != GATEWAY
        for index, declared in enumerate(manifest.route)
    ]


def table(routes: Iterable[Listed]) -> str:
    """A row for each route, a column for each policy that any of them has, and what the marks mean."""
    routes = list(routes)
    named = [name for name in Policy.__struct_fields__ if any(name in each.policies for each in routes)]
    head = ("METHOD", "PATH", "FUNCTION", *(name.upper() for name in named))
    return "\n".join([*aligned([head, *(_row(each, named) for each in routes)]), "", LEGEND])


def as_json(routes: Iterable[Listed]) -> str:
    """For programs: the same, and the file and key of each route."""
    document = [
        {
            "function": each.route.function,
            "method": each.route.method,
            "path": each.route.path,
            "file": each.file,
            "key": each.key,
            "policies": {name: _plain(value) for name, value in each.policies.items()},
        }
        for each in routes
    ]
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def shown(value: object) -> str:
    """As a manifest would have it."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={shown(each)}" for name, each in value.items())
    return " ".join(map(shown, value)) if isinstance(value, tuple | list) else str(value)


def _policies(declared: Policy, defaults: Policy) -> Iterator[tuple[str, Value]]:
    for name in Policy.__struct_fields__:
        for source, layer in zip(MARKS, (declared, defaults, DEFAULTS), strict=True):
            if (value := getattr(layer, name)) is not None:
                yield name, Value(value, source, CEILINGS.get(name))
                break


def _row(each: Listed, named: Sequence[str]) -> Row:
    cells = (each.policies[name].marked if name in each.policies else "-" for name in named)
    return each.route.method, each.route.path, each.route.function, *cells


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Rows as lines, in columns as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _plain(value: Value) -> dict[str, object]:
    ceiling = {} if value.ceiling is None else {"ceiling": _scalar(value.ceiling)}
    return {"value": _scalar(value.value), "from": value.source, **ceiling}


def _scalar(value: object) -> object:
    """Numbers and lists stay what they are; units are written as in a manifest."""
    if isinstance(value, tuple | list):
        return [_scalar(each) for each in value]
    if isinstance(value, dict):
        return {name: _scalar(each) for name, each in value.items()}
    return value if type(value) in (int, bool, str) else str(value)


def parser() -> argparse.ArgumentParser:
    """What it may be given."""
    made = argparse.ArgumentParser(prog="just routes", allow_abbrev=False)
    made.add_argument("folder", nargs="?", type=Path, default="functions", help="where functions are")
    made.add_argument("--json", action="store_true", help="for programs")
    return made


def main(words: list[str]) -> str:
    """What to print; ends the process with every fault when the manifests can't be served."""
    options = parser().parse_args(words)
    routes = listed(read_all(options.folder))
    return as_json(routes) if options.json else table(routes)


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
