import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.chaos.edits import NEW, Edits
from deploy.checked import check
from deploy.engine import Refusal

ROOT = Path(__file__).parents[4]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("functions", "runtime"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("docker-compose.yml", "compose.override.yml", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def text(copy: Path) -> dict[str, bytes]:
    return {str(file.relative_to(copy)): file.read_bytes() for file in copy.rglob("*") if file.is_file()}


def routed(copy: Path) -> Callable[[str], int]:
    return lambda path: 200 if (copy / "functions" / path.split("/")[1]).exists() else 404


def test_each_edit_is_brought_up_and_in_the_end_the_copy_is_as_it_was(copy: Path) -> None:
    ups: list[dict[str, bytes]] = []

    def up() -> bool:
        check(copy)
        ups.append(text(copy))
        return True

    before = text(copy)
    edits = Edits(copy, up, routed(copy))
    edits.add()
    assert f"functions/{NEW}/app.py" in ups[-1]
    edits.change()
    assert ups[-1]["functions/users/app.py"] != before["functions/users/app.py"]
    edits.mistype()
    assert len(ups) == 3  # the typo was refused
    edits.remove()
    assert ups[-1] == text(copy) == before


def test_a_typo_that_is_taken_in_is_told(copy: Path) -> None:
    with pytest.raises(Refusal, match="a typo was taken in"):
        Edits(copy, lambda: True, routed(copy)).mistype()


def test_a_function_that_nobody_is_led_to_is_told(copy: Path) -> None:
    with pytest.raises(Refusal, match=f"GET /{NEW}/a was answered not at all, and should be 200"):
        Edits(copy, lambda: True, lambda _: 0).add()
