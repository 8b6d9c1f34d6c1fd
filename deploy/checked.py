"""What a checkout can be asked before anything of it is built, copied or started: whether it can be served at all.

In: a checkout's folder. Out: nothing, or a Refusal with every fault by its file: manifests, the routes of all of them
together, and sources that are no Python. It imports nothing of the functions.
"""

from collections.abc import Iterator
from pathlib import Path

from deploy.engine import Refusal
from functions.gateway.routes import compile_routes
from runtime.manifest import ManifestError, read_all


def check(root: Path) -> None:
    """Raises Refusal with all that is wrong."""
    if faults := [*_manifests(root), *_sources(root)]:
        raise Refusal("\n".join(["This checkout can't be served, so nothing was changed:", *faults]))


def _manifests(root: Path) -> list[str]:
    try:
        compile_routes(read_all(root / "functions"))
    except ManifestError as error:
        return [line.replace(f"{root}/", "") for line in error.lines]
    return []


def _sources(root: Path) -> Iterator[str]:
    for folder in (root / "functions", root / "runtime"):
        for file in sorted(folder.rglob("*.py")):
            try:
                compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                yield f"{file.relative_to(root)}{line}: {getattr(error, 'msg', error)}"
