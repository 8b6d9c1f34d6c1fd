"""What is said of the checkout, and refused."""

from pathlib import Path

import pytest

from deploy.engine import Refusal
from deploy.package import unit
from deploy.scaffold import verbs


def test_what_is_no_url_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="is no service's origin; write"):
        verbs.add_upstream(tmp_path, "legacy", "legacy:80")
    assert list(tmp_path.iterdir()) == []


def test_unit_is_told_anew_of_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.unit_config(tmp_path, unit.HERE, unit.HOME) == 0
    assert capsys.readouterr().out == "deploy/unit/config.json\n"
    assert (tmp_path / "deploy/unit/config.json").exists()
