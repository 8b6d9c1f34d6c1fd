"""What an instance is made of: its files, and one word that changes with them."""

import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from runtime.manifest import FILE


def files(root: Path, function: str) -> list[Path]:
    """The runtime and the function."""
    return sorted({*_below(root / "runtime"), *_below(root / "functions" / function)})


def digest(root: Path, function: str) -> str:
    """Of the names and the contents of the files."""
    found = hashlib.sha256()
    for file in files(root, function):
        found.update(f"{file.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(_counted(file)).digest())
    return found.hexdigest()[:16]


def _counted(file: Path) -> bytes:
    """Of a manifest what an instance reads of it: all else is for gateways, which take it in as they run."""
    content = file.read_bytes()
    if file.name != FILE:
        return content
    try:
        told = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return content
    return repr([told.get(key) for key in ("name", "app", "smoke")]).encode()


def _below(folder: Path) -> Iterable[Path]:
    """Whatever Python and editors leave behind is not part of it."""
    return (file for file in folder.rglob("*") if file.is_file() and not _left(file.relative_to(folder)))


def _left(file: Path) -> bool:
    return any(part == "__pycache__" or part.startswith(".") for part in file.parts)
