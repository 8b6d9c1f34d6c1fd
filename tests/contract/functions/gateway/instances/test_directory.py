"""The folder itself; what both sources promise is in test_instances.py."""

from pathlib import Path

from functions.gateway.instances.directory import directory
from runtime.serving.membership import member

ADDRESS = "127.0.0.1:8000"


async def test_a_folder_that_is_not_there_yet_has_no_members(tmp_path: Path) -> None:
    assert await directory(tmp_path / "later")("users") == frozenset()


async def test_a_file_that_nobody_locks_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / ADDRESS).touch()
    assert await directory(tmp_path)("users") == frozenset()


async def test_looking_disturbs_no_member(tmp_path: Path) -> None:
    with member(tmp_path / "users", ADDRESS):
        looks = [await directory(tmp_path)("users") for _ in range(3)]
    assert looks == [{ADDRESS}] * 3
    assert await directory(tmp_path)("users") == frozenset()
