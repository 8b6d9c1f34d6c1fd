"""What a new function is made of passes the project's own checks, whatever the length of its name."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.scaffold.create import rendered

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("kind", ["data", "stateless"])
@pytest.mark.parametrize("name", ["ab", "a" * 20])
def test_it_is_in_the_form_of_the_house(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "tests").mkdir()
    for linked in ("runtime", *(f"tests/{file.name}" for file in (ROOT / "tests").glob("*.py"))):  # ours, no libraries
        (tmp_path / linked).symlink_to(ROOT / linked)
    made = rendered(name, kind)
    for file, text in made.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, *(str(file) for file in made if str(file).endswith(".py"))]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout
