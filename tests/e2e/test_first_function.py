"""docs/first-function.md, followed word by word on a fresh clone: each command run, each edit made, each line seen."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from deploy import bootstrap
from tests.e2e.stack import ROOT, SPAN
from tests.ports import free_base

GUIDE = ROOT / "docs/first-function.md"
LEFT_BEHIND = ignore_patterns(".venv", ".portico", ".git", ".*_cache", ".hypothesis", "__pycache__", "results")
NEW_EACH_TIME = (
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    r"localhost:\d+",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project, as nobody has used it."""
    return copytree(ROOT, tmp_path / "portico", ignore=LEFT_BEHIND)


@pytest.fixture
def environment(clone: Path, short_folder: str) -> Iterator[dict[str, str]]:
    """A person's, who has `just` and uv; what is left running is stopped at the end."""
    uv = str(Path(bootstrap.find_uv(ROOT)).parent)
    path = os.pathsep.join([os.environ["PATH"], uv])
    mine = {"PATH": path, "ENGINE": "local", "PORT": str(free_base(SPAN)), "PORTICO_STATE": short_folder}
    yield os.environ | mine
    subprocess.run(
        ["just", "down", "--data", "--yes"], cwd=clone, env=os.environ | mine, capture_output=True, check=False
    )


def blocks() -> Iterator[tuple[str, list[str]]]:
    """What is between the fences, by its kind."""
    for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL):
        yield kind, text.splitlines()


def follow(command: str, clone: Path, environment: dict[str, str]) -> str:
    """What it says. Only a call may end badly: that is how a refusal is told."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or command.startswith("just call"), f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def edit(lines: list[str], clone: Path) -> None:
    """Replaces what has a minus by what has a plus."""
    name, before, after = (line[1:] for line in lines)
    file = clone / name.removeprefix("-- ")
    text = file.read_text()
    assert text.count(f"{before}\n") == 1, before
    file.write_text(text.replace(before, after))


def masked(text: str) -> str:
    """The same for two runs."""
    for new in NEW_EACH_TIME:
        text = re.sub(new, "NEW", text)
    return text


def is_in(line: str, said: str) -> bool:
    """Whether a line of the guide was seen; an ellipsis in it is whatever was there."""
    pattern = ".*".join(map(re.escape, masked(line).split("…")))
    return re.search(f"^{pattern}$", masked(said), re.MULTILINE) is not None


@pytest.mark.timeout(900)
def test_the_guide_says_what_happens(clone: Path, environment: dict[str, str]) -> None:
    assert shutil.which("just"), "the guide is followed with `just`"
    follow("just up", clone, environment)  # what the guide says to do first where nothing is installed
    said = ""
    for kind, lines in blocks():
        if kind == "diff":
            edit(lines, clone)
            continue
        for line in lines:
            if line.startswith("$ "):
                said = follow(line.removeprefix("$ "), clone, environment)
            else:
                assert is_in(line, said), f"{line}\nis not in\n{said}"
