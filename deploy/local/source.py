"""What an instance is made of: its files, and one word that changes with them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from deploy.engine import GATEWAY


def files(root: Path, function: str) -> list[Path]:
    """The runtime and the function; of the gateway also everybody's manifest, which its routes are made from."""
    found = {*_below(root / "runtime"), *_below(root / "functions" / function)}
    if function == GATEWAY:
        found.update(root.glob("functions/*/function.toml"))
    return sorted(found)


def digest(root: Path, function: str) -> str:
    """Of the names and the contents of the files."""
    found = hashlib.sha256()
    for file in files(root, function):
        found.update(f"{file.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


def _below(folder: Path) -> Iterable[Path]:
    """Whatever Python and editors leave behind is not part of it."""
    return (file for file in folder.rglob("*") if file.is_file() and not _left(file.relative_to(folder)))


def _left(file: Path) -> bool:
    return any(part == "__pycache__" or part.startswith(".") for part in file.parts)
