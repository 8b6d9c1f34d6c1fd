"""Edits of manifests while everything runs: a service is put behind the gateway, a limit changes, somebody mistypes.

Each is made in a copy of the checkout and taken in as `just apply` does it; afterwards the manifests are those of
before. Raises Refusal when one is not taken in, or one with a mistake is.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.chaos import version
from deploy.engine import Engine, Refusal
from runtime.http.url import Url
from runtime.manifest import FILE, ManifestError

_BURST = re.compile(r'burst \d+"')


Make = Callable[[Path], Engine]  # the engine of the same stack for another checkout


def add_upstream(make: Make, root: Path, odd: Url) -> None:
    """Puts the service at `odd` behind the gateway, and takes it out again."""
    with _copy(make, root, odd) as copy:
        _apply(make(copy))


def edit_limit(make: Make, root: Path, times: int) -> None:
    """Another limit of orders, so many times."""
    with _copy(make, root) as copy:
        engine, file = make(copy), _orders(copy)
        for number in range(times):
            file.write_text(_BURST.sub(f'burst {100 + number % 50}"', file.read_text()))
            _apply(engine)


def mistype(make: Make, root: Path) -> None:
    """A mistake, which is refused, and then none."""
    with _copy(make, root) as copy:
        engine, file = make(copy), _orders(copy)
        told = file.read_text()
        file.write_text(told.replace("deadline", "dedline", 1))
        try:
            _apply(engine)
        except ManifestError:
            file.write_text(_BURST.sub('burst 99"', told))
            _apply(engine)
        else:
            raise Refusal("A manifest with a mistake in it was taken in.")


@contextmanager
def _copy(make: Make, root: Path, odd: Url | None = None) -> Iterator[Path]:
    """A checkout to edit; in the end the manifests of `root` are served again."""
    with TemporaryDirectory(prefix="portico-edits-") as folder:
        try:
            yield version.copy(root, Path(folder), odd)
        finally:
            _apply(make(root))


def _apply(engine: Engine) -> None:
    applied = engine.apply()
    if wrong := [*applied.beyond, *applied.late]:
        raise Refusal(f"Not every gateway took it in: {'; '.join(wrong)}")


def _orders(checkout: Path) -> Path:
    return checkout / "functions" / "orders" / FILE
