"""just audit: a bill for each image, whatever comes of asking for advisories."""

import json
from pathlib import Path

import pytest

from deploy.audit import run
from deploy.audit.advisories import Finding
from deploy.engine import Refusal
from runtime.manifest import run_here

ROOT = Path(__file__).parents[4]


def test_every_shipped_function_has_a_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "known", lambda *_: [])
    names = run_here(ROOT / "functions")
    assert run.audit(ROOT, names, tmp_path, "") == 0
    for name in names:
        told = json.loads((tmp_path / f"{name}.cdx.json").read_text())
        assert {"litestar", "granian"} <= {component["name"] for component in told["components"]}


def test_what_is_wrong_is_told_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "known", lambda *_: [Finding("a", "1", "TEST-1\x1b[2J", ())])
    assert run.audit(ROOT, ["users"], tmp_path, "") == 1
    assert "a 1: TEST-1\\u001b[2J (fixed in no version yet)\n1 known vulnerabilities." in capsys.readouterr().out


def test_when_nobody_can_be_asked_the_bills_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> list[Finding]:
        raise Refusal("away")

    monkeypatch.setattr(run, "known", away)
    with pytest.raises(Refusal):
        run.audit(ROOT, ["users"], tmp_path, "")
    assert (tmp_path / "users.cdx.json").exists()


def test_it_says_in_a_sentence_what_it_could_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(_locks: object, database: str) -> list[Finding]:
        raise Refusal(f"{database} is away")

    monkeypatch.setattr(run, "known", away)
    assert run.main({"PORTICO_STATE": str(tmp_path), "OSV_URL": "http://mirror.example"}) == 1
    assert capsys.readouterr().err == "http://mirror.example is away\n"
    assert (tmp_path / "audit/gateway.cdx.json").exists()


def test_a_function_may_share_a_lock(tmp_path: Path) -> None:
    (tmp_path / "functions/payments").mkdir(parents=True)
    (tmp_path / "functions/payments/compose.yml").write_text("args: {FUNCTION: payments, REQUIREMENTS: database}\n")
    assert run.lock(tmp_path, "payments").name == "database.txt"
    assert run.lock(tmp_path, "users").name == "users.txt"
