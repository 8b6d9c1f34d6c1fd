"""Who is alive on one machine: a folder with one locked file for each running instance, named by its address.

The kernel drops a lock with the process that held it, however that ended, so a file without a lock is nobody.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def member(folder: Path, address: str) -> Iterator[None]:
    """Is a member, as `address` ("host:port"), for the length of the block. Raises OSError for a read-only folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / address
    descriptor = _lock(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)


def members(folder: Path) -> frozenset[str]:
    """The addresses that are alive now; empty when there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if _is_file(entry) and _locked(entry.path))
    except FileNotFoundError:
        return frozenset()


def _is_file(entry: "os.DirEntry[str]") -> bool:
    """Only files are members'; to open what else there is may fail, or wait for a pipe's other end for ever."""
    return entry.is_file(follow_symlinks=False)


def _lock(file: Path) -> int:
    """A descriptor of the file, locked; never of one that its owner removed while we waited."""
    while True:
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _locked(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):  # it has gone, or is none that a member has made
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
