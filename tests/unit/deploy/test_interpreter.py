"""What is started runs the same, whatever the environment says of Python and of language."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.interpreter import python, surroundings

TELLS = "import sys, warnings; warnings.warn('x'); print(sys.flags.utf8_mode, ascii(open('t').read())); assert True"


@pytest.mark.parametrize(
    "hostile",
    [
        {"PYTHONSAFEPATH": "1"},
        {"PYTHONPATH": "elsewhere"},
        {"PYTHONHOME": "/nowhere"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONUTF8": "0", "LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii", "LANG": "de_DE.ISO-8859-1", "LC_ALL": "xx_XX"},
    ],
)
def test_it_finds_its_modules_and_reads_utf_8(hostile: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tells.py").write_text(TELLS)
    (tmp_path / "t").write_text("\u2026", encoding="utf-8")
    done = subprocess.run(
        python("-m", "tells"), cwd=tmp_path, env={**os.environ, **hostile}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "1 '\\u2026'\n", done.stderr


def test_what_starts_a_python_by_itself_is_told_nothing_that_changes_how_one_runs() -> None:
    told = {"PYTHONHASHSEED": "x", "PYTHONWARNINGS": "error", "FORCE_COLOR": "1", "PATH": "/bin", "UV_OFFLINE": "1"}
    assert surroundings(told) == {"PATH": "/bin", "UV_OFFLINE": "1", "NO_COLOR": "1"}
