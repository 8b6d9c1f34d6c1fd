"""deploy/backup/manifest.py: what it says is what is there."""

from hashlib import sha256
from pathlib import Path

import pytest

from deploy.backup import manifest
from deploy.backup.manifest import Part
from deploy.engine import Refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users.sqlite").write_bytes(b"rows")
    manifest.write(tmp_path, "2026-11-22T18:05:09+00:00", [manifest.part(tmp_path, "users", "sqlite", 3)])
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    found = manifest.read(folder)
    assert (found.format, found.made_at) == (1, "2026-11-22T18:05:09+00:00")
    assert [part.file for part in found.parts] == ["users.sqlite"]
    assert found.parts == [Part("users", "sqlite", 3, 4, sha256(b"rows").hexdigest())]


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="holds no backup"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", [b"other", b"", b"rows and more"])
def test_a_file_that_changed_is_refused(folder: Path, content: bytes) -> None:
    (folder / "users.sqlite").write_bytes(content)
    with pytest.raises(Refusal, match=r"users\.sqlite is not what was backed up"):
        manifest.read(folder)


def test_a_file_that_is_missing_is_refused(folder: Path) -> None:
    (folder / "users.sqlite").unlink()
    with pytest.raises(Refusal, match=r"users\.sqlite is not what was backed up"):
        manifest.read(folder)


@pytest.mark.parametrize(
    ("was", "becomes"), [("users", "../users"), ("sqlite", "sqlite/../x"), ("{", "["), ("schema", "scheme")]
)
def test_a_manifest_that_says_what_none_would_say_is_refused(folder: Path, was: str, becomes: str) -> None:
    file = folder / manifest.NAME
    file.write_text(file.read_text().replace(was, becomes, 1))
    with pytest.raises(Refusal, match="can't be read"):
        manifest.read(folder)
