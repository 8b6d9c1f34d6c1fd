"""A backup of all functions' data: a folder of one file each, and the manifest that makes it whole.

In: the stores of a stack. Out: a folder that only its owner may enter, or nothing at all. Secrets are no part of it: a
stack signs with keys of its own, and who holds a backup can sign nothing.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.backup import manifest
from deploy.backup.manifest import Manifest
from deploy.backup.store import Store
from deploy.engine import Refusal
from runtime.database import migrate

Stores = Mapping[str, Store]


def save(stores: Stores, below: Path, at: datetime, key: bytes, *, note: str = "") -> Path:
    """The new folder below `below`, named by the moment and `note`, signed with `key`.

    Raises Refusal and OSError, and leaves nothing.
    """
    folder = below / f"{at:%Y-%m-%dT%H%M%SZ}{note}"
    partial = below / f".{folder.name}"
    below.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial.mkdir(mode=0o700)
    try:
        parts = [_saved(store, partial, function) for function, store in sorted(stores.items())]
        manifest.write(partial, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", parts, key)
        _settle(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder


@contextmanager
def room(below: Path) -> Iterator[Path]:
    """A folder for the length of the block, which only its owner may enter: a backup is loaded as it was checked."""
    below.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restore-", dir=below) as folder:
        yield Path(folder)


def check(folder: Path, stores: Stores, functions: Path, key: bytes | None, into: Path | None = None) -> Manifest:
    """The backup in `folder`, if it was signed with `key` (None: by whomever) and can go into these stores.

    What is checked is copied to `into`, as others may write in `folder` later.

    `functions` is where their code is. Raises Refusal, also for data that is newer than the code. Functions that it
    does not hold keep what they have.
    """
    found = manifest.read(folder, key, into)
    for part in found.parts:
        if part.function not in stores:
            raise Refusal(f"{folder} holds data of {part.function}: there is no such function in this stack.")
        if (form := stores[part.function].form) != part.form:
            raise Refusal(f"{part.file} can't go into this stack, whose {part.function} keeps data as {form}.")
        latest = migrate.read(functions / part.function / "schema")[-1].version
        if part.schema > latest:
            raise Refusal(f"{part.file} has schema {part.schema}, and this checkout ends at {latest}: update it.")
    return found


def load(folder: Path, found: Manifest, stores: Stores, functions: Path) -> None:
    """Replaces the data of each function in the backup, one by one. Raises Refusal; each is whole then, old or new."""
    for part in found.parts:
        every = migrate.read(functions / part.function / "schema")
        stores[part.function].load(folder / part.file, [each for each in every if each.version <= part.schema])


def _saved(store: Store, folder: Path, function: str) -> manifest.Part:
    file = folder / f"{function}.{store.form}"
    file.touch(mode=0o600)
    store.save(file)
    return manifest.part(folder, function, store.form, store.schema())


def _settle(folder: Path) -> None:
    """To the disk, for a loss of power right after it was called a backup."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
