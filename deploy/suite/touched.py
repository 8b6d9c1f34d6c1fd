"""Touched: which contract tests a change calls for.

In: the files that changed, and who imports what. Out: files of tests that changed, that are named after a file that did
or lie in its folder's place, or that import one. What reaches it by way of others only is counted, and left to
`just test contract`.
"""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grimp

CODE = ("runtime", "functions", "deploy")
CONTRACT = PurePosixPath("tests/contract")


@dataclass(frozen=True, slots=True)
class Called:
    """`files` of contract tests, the nearest to the change first; `further` ones reach it as well."""

    files: list[str]
    further: int


def changed(root: Path) -> list[str]:
    """Files that differ from the commit at which this branch left main; on main, from the last commit."""
    base = _git(root, "merge-base", "HEAD", "main") or ["HEAD"]
    return [
        *_git(root, "diff", "--name-only", "--diff-filter=d", base[0]),
        *_git(root, "ls-files", "--others", "--exclude-standard"),
    ]


def called(root: Path, changes: Iterable[str], graph: "grimp.ImportGraph") -> Called:
    """For files that changed, as paths from the checkout on."""
    paths = [PurePosixPath(change) for change in changes]
    named = {found for path in paths for found in _named(root, path)}
    importing = {found for path in paths for found in _importing(root, path, graph)} - named
    further = {found for path in paths for found in _reaching(root, path, graph)} - named - importing
    return Called([*sorted(named), *sorted(importing)], len(further))


def _named(root: Path, path: PurePosixPath) -> Iterator[str]:
    """By where it lies: a test itself, that of a module's name, or those of the folder that is nearest to a file."""
    if path.is_relative_to(CONTRACT):
        yield from _tests(root, path if path.name.startswith("test_") else path.parent)
    elif path.suffix == ".py":
        yield from _tests(root, CONTRACT / path.with_name(f"test_{path.stem}.py"))
    elif path.parts[0] in (*CODE, "nginx"):
        places = (CONTRACT / parent for parent in path.parents)
        yield from _tests(root, next(place for place in places if (root / place).exists()))


def _importing(root: Path, path: PurePosixPath, graph: "grimp.ImportGraph") -> Iterator[str]:
    module = _module(path)
    if module in graph.modules:
        yield from _files(root, graph.find_modules_that_directly_import(module))


def _reaching(root: Path, path: PurePosixPath, graph: "grimp.ImportGraph") -> Iterator[str]:
    module = _module(path)
    if module in graph.modules:
        yield from _files(root, graph.find_downstream_modules(module))


def _module(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__") if path.suffix == ".py" else ""


def _files(root: Path, modules: Iterable[str]) -> Iterator[str]:
    """Of those modules that are contract tests."""
    for module in modules:
        if module.startswith("tests.contract.") and module.rpartition(".")[2].startswith("test_"):
            yield from _tests(root, PurePosixPath(*module.split(".")).with_suffix(".py"))


def _tests(root: Path, place: PurePosixPath) -> Iterator[str]:
    """The files of tests at a place, from the checkout on; none, where there is nothing."""
    there = root / place
    found = there.rglob("test_*.py") if there.is_dir() else [there] if there.is_file() else []
    yield from (file.relative_to(root).as_posix() for file in found)


def _git(root: Path, *words: str) -> list[str]:
    """The lines that it says; none, where it has no answer."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if not done.returncode else []
