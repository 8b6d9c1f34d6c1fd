"""deploy/backup/key.py: one key for a stack, which nobody else reads."""

from pathlib import Path

import pytest

from deploy.backup import key
from deploy.engine import Refusal


def test_a_stack_has_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    made = key.own(tmp_path / "state")
    assert (len(made), key.own(tmp_path / "state")) == (32, made)
    assert key.own(tmp_path / "other") != made
    assert (tmp_path / "state" / key.NAME).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "state").iterdir()] == [key.NAME]


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "ab" * 31, "\u00e9" * 64])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match="64 hexadecimal digits"):
        key.given(tmp_path / "key")


def test_of_a_key_no_more_is_read_than_one_has(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to("/dev/zero")
    with pytest.raises(Refusal, match="64 hexadecimal digits"):
        key.given(tmp_path / "key")
