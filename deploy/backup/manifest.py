"""What a backup says about itself: manifest.json, signed, with a line for each function's file and its checksum.

In: a folder, and the key of the stack that made it. Out: the manifest, or Refusal for a folder that is no backup, or
not the one that was made: checksums beside files tell of accidents, and the signature (HMAC, RFC 2104) of people. It
names no file outside of its folder.
"""

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from deploy.engine import Refusal

NAME = "manifest.json"
FORMAT = 2  # 1 was what a database program wrote, to be carried out by it


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function's data. `schema` is the number of its last migration, `bytes` and `sha256` are of the file."""

    function: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]+\Z")]
    form: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.]+\Z")]
    schema: Annotated[int, msgspec.Meta(ge=1)]
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]

    @property
    def file(self) -> str:
        return f"{self.function}.{self.form}"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backup, made at `made_at` (RFC 3339, UTC). `signature` is of all the rest, in hex."""

    format: int
    made_at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
    parts: Annotated[list[Part], msgspec.Meta(min_length=1)]
    signature: str = ""

    def signed(self, key: bytes) -> "Manifest":
        """The same, with the signature that `key` makes."""
        content = msgspec.json.encode(msgspec.structs.replace(self, signature=""))
        return msgspec.structs.replace(self, signature=hmac.digest(key, content, "sha256").hex())


def part(folder: Path, function: str, form: str, schema: int) -> Part:
    """Describes the file that was saved for a function."""
    file = folder / f"{function}.{form}"
    return Part(function, form, schema, file.stat().st_size, _sha256(file))


def write(folder: Path, made_at: str, parts: Sequence[Part], key: bytes) -> None:
    """Says what is in the folder, signed with `key`."""
    text = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, made_at, list(parts)).signed(key)))
    file = folder / NAME
    file.touch(mode=0o600)
    file.write_bytes(text + b"\n")


def read(folder: Path, key: bytes | None) -> Manifest:
    """What is in the folder, once its signature and every checksum are compared. Raises Refusal.

    Without a key it may be signed by anybody.
    """
    manifest = _read(folder / NAME)
    if key is not None and not hmac.compare_digest(manifest.signed(key).signature, manifest.signature):
        raise Refusal(
            f"{folder} is not signed with this stack's key: if another stack made it, give that one's backup-key with "
            "--key FILE. --unsigned takes it whoever wrote it."
        )
    for each in manifest.parts:
        file = folder / each.file
        if not file.is_file() or (file.stat().st_size, _sha256(file)) != (each.bytes, each.sha256):
            raise Refusal(f"{file} is not what was backed up: use another backup.")
    return manifest


def _read(file: Path) -> Manifest:
    if not file.is_file():
        raise Refusal(f"{file.parent} holds no backup: there is no {NAME} in it.")
    try:
        said = msgspec.json.decode(file.read_bytes())
        found = said.get("format") if isinstance(said, dict) else None
        if isinstance(found, int) and found != FORMAT:
            raise Refusal(f"{file} is of format {found}, and this checkout reads {FORMAT}: use the one that made it.")
        manifest = msgspec.convert(said, Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Refusal(f"{file} can't be read ({error}): use another backup.") from None
    if len({part.function for part in manifest.parts}) < len(manifest.parts):
        raise Refusal(f"{file} names a function twice: use another backup.")
    return manifest


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
