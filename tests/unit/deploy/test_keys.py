"""deploy/keys.py: what is in the folder afterwards."""

from pathlib import Path

import pytest

from deploy.keys import KEPT, rotate
from runtime.identity.rotation import called
from runtime.identity.signing_keys import create

NOW = 1_800_000_000.0


def kids(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*"))


def test_a_new_key_is_added_that_signs_a_little_later_and_the_old_one_stays(tmp_path: Path) -> None:
    create(tmp_path, "old", mode=0o444)
    rotated = rotate(tmp_path, NOW, at_once=False)
    assert (rotated.added, rotated.begins, rotated.removed) == (called(NOW + 15), NOW + 15, [])
    assert kids(tmp_path) == [rotated.added, "old"]
    assert (tmp_path / f"{rotated.added}.pem").stat().st_mode & 0o777 == 0o444


def test_a_key_whose_last_token_is_long_gone_is_removed(tmp_path: Path) -> None:
    create(tmp_path, "old")
    first = rotate(tmp_path, NOW, at_once=False).added
    second = rotate(tmp_path, NOW + KEPT, at_once=False)
    assert second.removed == []
    third = rotate(tmp_path, NOW + KEPT + 20, at_once=False)
    assert third.removed == ["old"]
    assert kids(tmp_path) == [first, second.added, third.added]


def test_at_once_leaves_the_new_key_alone(tmp_path: Path) -> None:
    create(tmp_path, "old")
    rotate(tmp_path, NOW, at_once=False)
    rotated = rotate(tmp_path, NOW + 60, at_once=True)
    assert rotated.begins == NOW + 60
    assert kids(tmp_path) == [rotated.added]


def test_twice_within_a_second_is_refused_and_removes_nothing(tmp_path: Path) -> None:
    create(tmp_path, "old")
    rotate(tmp_path, NOW, at_once=True)
    with pytest.raises(FileExistsError):
        rotate(tmp_path, NOW, at_once=True)
    assert kids(tmp_path) == [called(NOW)]
