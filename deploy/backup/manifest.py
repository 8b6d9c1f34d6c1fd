"""What a backup says about itself: manifest.json, signed, with a line for each function's file and its checksum.

In: a folder, and the key of the stack that made it. Out: the manifest, or Refusal for a folder that is no backup, or
not the one that was made: checksums beside files tell of accidents, and the signature (HMAC, RFC 2104) of people. It
names no file outside of its folder. Whoever may write there may do so at any moment, and leave there what is no file.
"""

import hashlib
import hmac
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import msgspec

from deploy.engine import Refusal

NAME = "manifest.json"
_LONGEST = 1024 * 1024  # bytes of it
_PIECE = 1024 * 1024  # bytes
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

    def is_signed(self, key: bytes) -> bool:
        """Whether `key` made its signature."""
        return hmac.compare_digest(self.signed(key).signature.encode(), self.signature.encode())


def part(folder: Path, function: str, form: str, schema: int) -> Part:
    """Describes the file that was saved for a function."""
    file = folder / f"{function}.{form}"
    with file.open("rb") as opened:
        return Part(function, form, schema, file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def write(folder: Path, made_at: str, parts: Sequence[Part], key: bytes) -> None:
    """Says what is in the folder, signed with `key`."""
    text = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, made_at, list(parts)).signed(key)))
    file = folder / NAME
    file.touch(mode=0o600)
    file.write_bytes(text + b"\n")


def read(folder: Path, key: bytes | None, into: Path | None = None) -> Manifest:
    """What is in the folder, once its signature and every checksum are compared. Raises Refusal.

    Without a key it may be signed by anybody. The files are copied to `into` as they are compared.
    """
    manifest = _read(folder / NAME)
    if key is not None and not manifest.is_signed(key):
        raise Refusal(
            f"{folder} is not signed with this stack's key: if another stack made it, give that one's backup-key with "
            "--key FILE. --unsigned takes it whoever wrote it."
        )
    for each in manifest.parts:
        if not _is(each, folder / each.file, into and into / each.file):
            raise Refusal(f"{folder / each.file} is not what was backed up: use another backup.")
    return manifest


def _read(file: Path) -> Manifest:
    with _opened(file) as opened:
        if opened is None:
            raise Refusal(f"{file.parent} holds no backup: there is no {NAME} in it.")
        text = opened.read(_LONGEST)
    try:
        said = msgspec.json.decode(text)
        found = said.get("format") if isinstance(said, dict) else None
        if isinstance(found, int) and found != FORMAT:
            raise Refusal(f"{file} is of format {found}, and this checkout reads {FORMAT}: use the one that made it.")
        manifest = msgspec.convert(said, Manifest)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refusal(f"{file} can't be read ({error}): use another backup.") from None
    if len({part.function for part in manifest.parts}) < len(manifest.parts):
        raise Refusal(f"{file} names a function twice: use another backup.")
    return manifest


def _is(part: Part, file: Path, copy: Path | None) -> bool:
    """Whether the file is the one that the part is of; no more of it is read, or copied, than that has."""
    digest, left = hashlib.sha256(), part.bytes
    with _opened(file) as opened, (copy or Path(os.devnull)).open("wb") as copied:
        if opened is None or os.fstat(opened.fileno()).st_size != part.bytes:
            return False
        while piece := opened.read(min(left, _PIECE)):
            digest.update(piece)
            left -= copied.write(piece)
    return digest.hexdigest() == part.sha256


def _unwaiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes] | None]:
    """What is there, if it is a file; what is none (a pipe, a device) is not waited for."""
    try:
        opened = open(file, "rb", opener=_unwaiting)  # noqa: SIM115  Path.open has no opener; closed below
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        yield None
        return
    with opened:
        yield opened if stat.S_ISREG(os.fstat(opened.fileno()).st_mode) else None
