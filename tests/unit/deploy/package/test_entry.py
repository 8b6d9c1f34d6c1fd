"""What starts a package."""

import json
import os
import sys
from pathlib import Path

import pytest

from deploy.package import entry

HERE = f"python {sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose module tells what it was run with."""
    monkeypatch.chdir(os.curdir)  # and back, at the end
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "argv", sys.argv[:])
    (tmp_path / "functions/payments").mkdir(parents=True)
    (tmp_path / "packages").mkdir()
    (tmp_path / "unit.json").write_text(json.dumps({"type": HERE}))
    code = 'import os, sys\nassert __name__ == "__main__"\nprint(sys.argv[1:], sys.path[:2], os.getcwd())\n'
    (tmp_path / "packages/tells_its_arguments.py").write_text(code)
    return tmp_path


def test_a_module_is_run_where_the_package_is_and_finds_what_is_in_it(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry.main(package, ["tells_its_arguments", "one", "two"])
    assert capsys.readouterr().out == f"{['one', 'two']} {[str(package), str(package / 'packages')]} {package}\n"


def test_without_one_it_is_the_server_and_its_function(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[object] = []
    monkeypatch.setattr("runpy.run_module", lambda *told, **_: run.append((*told, *sys.argv)))
    entry.main(package, [])
    assert run == [("runtime.serving.serve", "runtime.serving.serve", "functions/payments")]


def test_another_python_is_told_what_this_is_for(package: Path) -> None:
    (package / "unit.json").write_text(json.dumps({"type": "python 3.99"}))
    with pytest.raises(
        SystemExit, match=rf"This package is for python 3.99, and this is {HERE}: run it with the other"
    ):
        entry.main(package, [])
