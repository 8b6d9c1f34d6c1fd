import tomllib
from pathlib import Path

import pytest

from deploy.chaos import version
from deploy.engine import Refusal
from runtime.http.url import Url
from tests.unit.deploy.test_rollout import Steps


def test_a_copy_is_another_version_of_every_function_and_of_nothing_else(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "copy"
    folder.mkdir()
    sources = {
        ".dockerignore": "x",
        "docker-compose.yml": "include:\n      - functions/users/compose.yml\n",
        "functions/users/app.py": "a = 1\n",
        "functions/users/model.py": "b = 2\n",
    }
    for name, text in {**sources, ".venv/python": "", "tests/test_x.py": ""}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    made = version.copy(root, folder, Url.parse("http://127.0.0.1:9"))
    found = {str(file.relative_to(made)): file.read_text() for file in made.rglob("*") if file.is_file()}
    assert found.pop("docker-compose.yml").endswith("functions/odd/compose.yml\n")
    assert "host.docker.internal" in found.pop("functions/odd/compose.yml")
    manifest = tomllib.loads(found.pop("functions/odd/function.toml"))
    assert (manifest["name"], manifest["upstream"]["url"]) == ("odd", "http://127.0.0.1:9")
    del sources["docker-compose.yml"]
    assert found.keys() == sources.keys()
    app = found.pop("functions/users/app.py")
    assert app.startswith("a = 1\n\n# ")
    assert found == {name: text for name, text in sources.items() if name in found}
    compile(app, "app.py", "exec")


def test_a_deploy_that_stumbles_has_replaced_one_function_and_is_turned_back() -> None:
    steps = Steps()
    version.stumble(steps)
    assert steps.taken[-3:] == ["rehearse gateway", "replace orders", "turn back"]


def test_a_deploy_that_fails_before_it_stumbles_is_told() -> None:
    with pytest.raises(Refusal, match="before its time: rehearse gateway"):
        version.stumble(Steps(fails="rehearse gateway"))


def test_a_stumbling_fleet_carries_everything_else_out() -> None:
    steps = Steps()
    fleet = version.Stumbling(steps)
    assert fleet.prepare_previous() == steps.changed
    fleet.keep()
    assert steps.taken == ["prepare previous", "keep"]
