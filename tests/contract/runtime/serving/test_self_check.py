"""runtime/serving/self_check.py beside real instances: what it finds wrong with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.runtime.instance import MANIFEST, ROOT, Instance, function, served

CODE = """
from runtime.serving.application import application as outermost
from runtime.serving.health import Health


async def check():
    if {down}:
        raise OSError("no route")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    status = 200 if scope["path"] == "/works" else 500
    await send({{"type": "http.response.start", "status": status, "headers": []}})
    await send({{"type": "http.response.body", "body": b""}})


application = outermost(app, Health({{"database": check}}))
"""


def tried(folder: Path, instance: Instance) -> str:
    """What the trial says; "" when it is content."""
    told = {**os.environ, "PORT": str(instance.port), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "runtime.serving.self_check", "tiny"]
    done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr.strip()


def beside(tmp_path: Path, smoke: str, *, down: bool = False) -> Path:
    """A function, as an image has it: its manifest below functions/."""
    manifest = f'smoke = "{smoke}"\n{MANIFEST}'
    (tmp_path / "functions/tiny").mkdir(parents=True)
    (tmp_path / "functions/tiny/function.toml").write_text(manifest)
    return function(tmp_path, CODE.format(down=down), manifest)


@pytest.mark.parametrize(
    ("smoke", "said"), [("/works", ""), ("/fails?x=1", "GET /fails?x=1 was answered 500")], ids=["works", "fails"]
)
def test_an_instance_must_answer_what_its_manifest_says(tmp_path: Path, smoke: str, said: str) -> None:
    folder = beside(tmp_path, smoke)
    with served(folder) as instance:
        assert tried(folder, instance) == said


def test_an_instance_whose_dependency_is_down_does_not_work(tmp_path: Path) -> None:
    folder = beside(tmp_path, "/works", down=True)
    with served(folder) as instance:
        assert tried(folder, instance) == "its database is down: OSError"
