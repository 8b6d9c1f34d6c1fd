"""What a backup says about itself: manifest.json, with a line for each function's file and that file's checksum.

In: a folder. Out: the manifest, or Refusal for a folder that is no backup, or not the one that was made. It names no
file outside of its folder.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from deploy.engine import Refusal

NAME = "manifest.json"
FORMAT = 1


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function's data. `schema` is the number of its last migration, `bytes` and `sha256` are of the file."""

    function: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]+\Z")]
    form: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.]+\Z")]
    schema: int
    bytes: int
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.function}.{self.form}"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backup, made at `made_at` (RFC 3339, UTC)."""

    format: int
    made_at: str
    parts: list[Part]


def part(folder: Path, function: str, form: str, schema: int) -> Part:
    """Describes the file that was saved for a function."""
    file = folder / f"{function}.{form}"
    return Part(function, form, schema, file.stat().st_size, _sha256(file))


def write(folder: Path, made_at: str, parts: Sequence[Part]) -> None:
    """Says what is in the folder."""
    text = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, made_at, list(parts))))
    file = folder / NAME
    file.touch(mode=0o600)
    file.write_bytes(text + b"\n")


def read(folder: Path) -> Manifest:
    """What is in the folder, every checksum of it compared. Raises Refusal."""
    if not (folder / NAME).is_file():
        raise Refusal(f"{folder} holds no backup: there is no {NAME} in it.")
    try:
        manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise Refusal(f"{folder / NAME} can't be read ({error}): use another backup.") from None
    for each in manifest.parts:
        file = folder / each.file
        if not file.is_file() or (file.stat().st_size, _sha256(file)) != (each.bytes, each.sha256):
            raise Refusal(f"{file} is not what was backed up: use another backup.")
    return manifest


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
