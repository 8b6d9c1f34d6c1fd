"""`just explain`: the route, its stages, and who could answer."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.engine import Instance, Refusal
from deploy.explain import main
from tests.unit.deploy.test_verbs import Still

ROOT = Path(__file__).parents[3]


@dataclass
class Busy(Still):
    """With instances of several functions."""

    def ps(self) -> list[Instance]:
        return [Instance(name, f"10.0.0.{number}", "ready", 1, 5.0) for number, name in enumerate(RUNNING)]


class Down(Still):
    """Nothing runs."""

    def ps(self) -> list[Instance]:
        raise Refusal("Nothing is running: start it with `just up`.")


RUNNING = ["gateway-1", "users-1", "users-2", "orders-1"]


def test_it_ends_with_the_instances_that_could_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Busy(), ROOT, "GET", "/users/42") == 0
    said = capsys.readouterr().out
    assert said.startswith("GET /users/{id} of users (functions/users/function.toml, route[")
    assert [line.split()[0] for line in said.splitlines()[-3:]] == ["INSTANCE", "users-1", "users-2"]


def test_it_says_when_nobody_could_answer(capsys: pytest.CaptureFixture[str]) -> None:
    main(Still(), ROOT, "GET", "/users/42")
    assert "no instance of users" in capsys.readouterr().out
    main(Down(), ROOT, "GET", "/users/42")
    assert "Nothing is running" in capsys.readouterr().out


def test_of_a_service_that_others_run_it_tells_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "functions/legacy").mkdir(parents=True)
    manifest = (
        'name = "legacy"\n[upstream]\nurl = "https://legacy.example"\n[[route]]\nmatch = "GET /legacy/{path...}"\n'
    )
    (tmp_path / "functions/legacy/function.toml").write_text(manifest)
    assert main(Still(), tmp_path, "GET", "/legacy/a/b") == 0
    assert capsys.readouterr().out.endswith("Instances: of https://legacy.example\n")


def test_a_request_without_a_route_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Still(), ROOT, "GET", "/nothing") == 1
    assert capsys.readouterr().out.startswith("404 no-such-route")
