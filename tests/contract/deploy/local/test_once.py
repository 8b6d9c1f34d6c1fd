"""A module that runs once, as an instance would run."""

from pathlib import Path

from deploy.local import once
from deploy.local.layout import Layout


def test_it_runs_where_and_is_told_what_an_instance_would(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / "state")
    (tmp_path / "functions/gateway").mkdir(parents=True)
    (tmp_path / "telling.py").write_text("import os, sys\nprint(os.getcwd(), os.environ['DISCOVERY'], *sys.argv[1:])")
    done = once.run(layout, "gateway", "telling", "one", "two", quiet=True)
    assert done.stdout.split() == [str(tmp_path), f"directory:{layout.members}", "one", "two"]
    assert done.returncode == 0


def test_how_it_ended_is_told(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("raise SystemExit('no')")
    done = once.run(Layout(tmp_path, tmp_path / "state"), "gateway", "failing", quiet=True)
    assert (done.returncode, done.stderr.strip()) == (1, "no")
