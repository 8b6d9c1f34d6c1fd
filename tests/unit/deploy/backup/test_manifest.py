"""deploy/backup/manifest.py: what it says is what is there."""

import os
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from deploy.backup import manifest
from deploy.backup.manifest import Part
from deploy.engine import Refusal

KEY = b"k" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users.sqlite").write_bytes(b"rows")
    manifest.write(tmp_path, "2026-11-22T18:05:09Z", [manifest.part(tmp_path, "users", "sqlite", 3)], KEY)
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    found = manifest.read(folder, KEY)
    assert (found.format, found.made_at) == (2, "2026-11-22T18:05:09Z")
    assert [part.file for part in found.parts] == ["users.sqlite"]
    assert found.parts == [Part("users", "sqlite", 3, 4, sha256(b"rows").hexdigest())]


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="holds no backup"):
        manifest.read(tmp_path, KEY)


@pytest.mark.parametrize("content", [b"other", b"", b"rows and more"])
def test_a_file_that_changed_is_refused(folder: Path, content: bytes) -> None:
    (folder / "users.sqlite").write_bytes(content)
    with pytest.raises(Refusal, match=r"users\.sqlite is not what was backed up"):
        manifest.read(folder, KEY)


def test_a_file_that_is_missing_is_refused(folder: Path) -> None:
    (folder / "users.sqlite").unlink()
    with pytest.raises(Refusal, match=r"users\.sqlite is not what was backed up"):
        manifest.read(folder, KEY)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("users", "../users"),
        ("sqlite", "sqlite/../x"),
        ("{", "["),
        ("schema", "scheme"),
        ("2026-", "\\u001b[2J"),
        (": 3,", ": 0,"),
    ],
)
def test_a_manifest_that_says_what_none_would_say_is_refused(folder: Path, was: str, becomes: str) -> None:
    file = folder / manifest.NAME
    file.write_text(file.read_text().replace(was, becomes, 1))
    with pytest.raises(Refusal, match="can't be read"):
        manifest.read(folder, KEY)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        " " * 2**20 + "{}",
        '{"format": %s}' % ("9" * 5000),
        "\udc80",
        "",
    ],
)
def test_a_manifest_of_whatever_it_is_made_is_refused_with_a_sentence(folder: Path, content: str) -> None:
    (folder / manifest.NAME).write_text(content, errors="surrogateescape")
    with pytest.raises(Refusal, match=r"can't be read \(.{,300}\): use another backup"):
        manifest.read(folder, KEY)


@pytest.mark.parametrize("signature", ["\u00e9", "\U0001f600", "", "0" * 64])
def test_a_signature_is_no_other_whatever_is_written_there(folder: Path, signature: str) -> None:
    file = folder / manifest.NAME
    said = msgspec.json.decode(file.read_bytes())
    file.write_bytes(msgspec.json.encode({**said, "signature": signature}))
    with pytest.raises(Refusal, match="is not signed with this stack's key"):
        manifest.read(folder, KEY)


def instead(place: Path, what: str) -> None:
    """Puts into the place what is no file, or a larger one than any disk."""
    place.unlink()
    if what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    elif what == "huge":
        place.touch()
        os.truncate(place, 2**42)
    else:
        place.symlink_to(what)


@pytest.mark.parametrize("what", ["pipe", "folder", "huge", "/dev/zero", "/dev/null", "users.sqlite"])
def test_a_part_that_is_no_file_is_not_read(folder: Path, tmp_path_factory: pytest.TempPathFactory, what: str) -> None:
    into = tmp_path_factory.mktemp("into")
    instead(folder / "users.sqlite", what)
    with pytest.raises((Refusal, OSError), match=r"is not what was backed up|symbolic links"):
        manifest.read(folder, KEY, into)
    assert sum(file.stat().st_size for file in into.iterdir()) == 0


@pytest.mark.parametrize("what", ["pipe", "folder", "huge", "/dev/zero", "/dev/null"])
def test_a_manifest_that_is_no_file_is_not_read(folder: Path, what: str) -> None:
    instead(folder / manifest.NAME, what)
    with pytest.raises(Refusal, match=r"holds no backup|can't be read"):
        manifest.read(folder, KEY)


def test_what_was_compared_is_what_was_copied(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    into = tmp_path_factory.mktemp("into")
    manifest.read(folder, KEY, into)
    assert [(file.name, file.read_bytes()) for file in into.iterdir()] == [("users.sqlite", b"rows")]


def test_what_was_made_by_an_earlier_or_later_checkout_is_said_so(folder: Path) -> None:
    file = folder / manifest.NAME
    file.write_text(file.read_text().replace('"format": 2', '"format": 1', 1))
    with pytest.raises(Refusal, match="is of format 1, and this checkout reads 2"):
        manifest.read(folder, None)


def test_who_changes_the_file_and_its_checksum_can_not_sign(folder: Path) -> None:
    (folder / "users.sqlite").write_bytes(b"mine")
    file = folder / manifest.NAME
    file.write_text(file.read_text().replace(sha256(b"rows").hexdigest(), sha256(b"mine").hexdigest()))
    with pytest.raises(Refusal, match="is not signed with this stack's key"):
        manifest.read(folder, KEY)
    with pytest.raises(Refusal, match="is not signed"):
        manifest.read(folder, b"x" * 32)
    assert manifest.read(folder, None).parts


def test_a_manifest_that_says_nothing_or_something_twice_is_refused(folder: Path) -> None:
    one = manifest.read(folder, KEY).parts
    for parts in ([], one * 2):
        manifest.write(folder, "2026-11-22T18:05:09Z", parts, KEY)
        with pytest.raises(Refusal, match="use another backup"):
            manifest.read(folder, KEY)
