"""What NGINX Unit is told of functions."""

import json
import sys
from pathlib import Path

import pytest

from deploy.engine import GATEWAY, Refusal
from deploy.package import unit
from runtime.manifest import read_all

ROOT = Path(__file__).parents[4]

COMPOSE = """services:
  payments:
    image: portico-payments
    environment:
      DATABASE_URL_FILE: /run/secrets/payments-database-url
      TIER: "gold"
    networks: [payments]

  payments-migrate:
    environment:
      DATABASE_URL_FILE: /run/secrets/payments-owner-database-url
"""
MANIFEST = """
name = "payments"
[app]
module = "functions.payments.app"
[defaults]
deadline = "1500ms"
[[route]]
match = "GET /payments"
[[route]]
match = "POST /payments"
deadline = "3s"
body = "2MiB"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with a function of its own, and a service of others."""
    for name, manifest in (
        ("payments", MANIFEST),
        ("legacy", 'name = "legacy"\n[upstream]\nurl = "http://a.example"\n'),
    ):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "function.toml").write_text(manifest)
    (tmp_path / "functions/payments/compose.yml").write_text(COMPOSE)
    return tmp_path


def test_what_is_checked_in_is_what_the_manifests_say() -> None:
    there = {file.relative_to(ROOT): file.read_text() for file in (ROOT / unit.FOLDER).iterdir()}
    (python,) = {told["type"] for told in json.loads(there[unit.FOLDER / unit.WHOLE])["applications"].values()}
    assert there == unit.files(ROOT, python.removeprefix("python ")), "deploy/unit is stale: run `just unit-config`"


def test_a_function_is_told_what_its_container_is_told(checkout: Path) -> None:
    assert unit.application(checkout, "payments", "python 3.13", "/opt/payments") == {
        "type": "python 3.13",
        "protocol": "asgi",
        "path": ["/opt/payments", "/opt/payments/packages"],
        "working_directory": "/opt/payments",
        "module": "functions.payments.app",
        "callable": "application",
        "environment": {
            "LOG_FORMAT": "json",
            "DATABASE_URL_FILE": "/run/secrets/payments-database-url",
            "TIER": "gold",
        },
        "processes": 4,
        "limits": {"timeout": 4},  # seconds, above the longest deadline
    }


def test_it_says_which_python_and_where_and_that_all_of_its_processes_begin_with_it(checkout: Path) -> None:
    """While Unit starts one on demand, it does not end on SIGTERM."""
    told = unit.application(checkout, "payments")
    assert told["type"] == f"python {sys.version_info.major}.{sys.version_info.minor}"
    assert told["working_directory"] == f"{unit.HOME}/payments"
    assert isinstance(told["processes"], int)
    unit.write(checkout, "3.13", "/opt/")
    whole = json.loads((checkout / unit.FOLDER / unit.WHOLE).read_text())
    assert whole["applications"]["payments"]["type"] == "python 3.13"
    assert whole["applications"]["payments"]["path"] == ["/opt/payments", "/opt/payments/packages"]
    with pytest.raises(Refusal, match="--home opt: Unit needs the whole path, from / on"):
        unit.write(checkout, "3.13", "opt")


def test_a_service_of_others_and_the_gateway_are_not_for_unit(checkout: Path) -> None:
    assert unit.served(read_all(checkout / "functions")) == ["payments"]
    assert GATEWAY not in unit.served(read_all(ROOT / "functions"))
    with pytest.raises(Refusal, match="There is no function legacy that Unit could serve: there are payments"):
        unit.application(checkout, "legacy")


def test_what_is_told_in_another_form_is_refused_and_not_left_out(checkout: Path) -> None:
    file = checkout / "functions/payments/compose.yml"
    for written in ("environment: {TIER: gold}", "environment:\n      - TIER=gold"):
        file.write_text(f"services:\n  payments:\n    {written}\n")
        with pytest.raises(Refusal, match="environment: write it as lines"):
            unit.told(file, "payments")
    file.write_text("services:\n  payments:\n    image: x\n")
    assert unit.told(file, "payments") == {}


def test_the_whole_has_a_port_for_each_and_lets_in_what_any_route_does(checkout: Path) -> None:
    unit.write(checkout)
    whole = json.loads((checkout / unit.FOLDER / unit.WHOLE).read_text())
    assert whole["settings"]["http"]["max_body_size"] == 2 * 1024**2
    assert whole["listeners"] == {"127.0.0.1:8001": {"pass": "applications/payments"}}
    assert whole["applications"] == {"payments": json.loads((checkout / unit.FOLDER / "payments.json").read_text())}


def test_what_is_gone_is_taken_out(checkout: Path) -> None:
    (checkout / unit.FOLDER).mkdir(parents=True)
    (checkout / unit.FOLDER / "gone.json").write_text("{}")
    assert unit.write(checkout) == [unit.FOLDER / name for name in ("config.json", "payments.json")]
    assert sorted(file.name for file in (checkout / unit.FOLDER).iterdir()) == ["config.json", "payments.json"]
