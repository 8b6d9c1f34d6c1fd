"""The Justfile: what is typed reaches a verb as it was typed, and no shell reads it; what is unknown is an error."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FIRST = ["users; touch pwned", "x' ; touch pwned; '", "$(touch pwned)"]  # alone, each is a whole command somewhere
HOSTILE = [
    *FIRST,
    'x" ; touch pwned; "',
    "`touch pwned`",
    "x\ntouch pwned",
    "x && touch pwned",
    "x | touch pwned",
    "> pwned",
    "{{ `touch pwned` }}",
    "a  b",
]
RECORD = """#!/bin/sh
printf '%s\\0' "$@" > "$RECORD.$$"
"""
VARIABLES = {"python", "environment", "flags"}  # of the Justfile itself
TOLD = {"scale": "2", "fuzz": "7"}  # a first argument without which the rest would not be looked at


def recipes() -> dict[str, Any]:
    """Those that a user calls, as just itself reads them."""
    dumped = subprocess.run(
        ["just", "--justfile", ROOT / "Justfile", "--dump", "--dump-format", "json"], capture_output=True, check=True
    )
    found = json.loads(dumped.stdout)["recipes"]
    return {name: recipe for name, recipe in found.items() if not recipe["private"] and not name.startswith("_")}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Justfile alone, where each program that it runs writes down what it was given."""
    shutil.copy(ROOT / "Justfile", tmp_path)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/bootstrap.py").touch()  # installs nothing
    shutil.copytree(ROOT / "deploy/suite", tmp_path / "deploy/suite")  # what a test run may be told is said there
    (tmp_path / "tests/unit").mkdir(parents=True)
    for program in (".venv/bin/python", ".portico/bench/venv/bin/python", "bin/npm", "bin/uv"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text(RECORD)
        (tmp_path / program).chmod(0o755)
    return tmp_path


def given(checkout: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """What came of `just ARGUMENTS`, and what each program was given."""
    environment = os.environ | {
        "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RECORD": str(checkout / "record"),
    }
    done = subprocess.run(
        ["just", *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    return done, [record.read_text().split("\0")[:-1] for record in checkout.glob("record.*")]


@pytest.mark.parametrize("recipe", sorted(recipes()))
@pytest.mark.parametrize("first", FIRST)
def test_what_is_typed_reaches_the_verb_as_it_was_typed_or_is_refused(checkout: Path, recipe: str, first: str) -> None:
    arguments = [TOLD.get(recipe, first), *HOSTILE]
    done, programs = given(checkout, recipe, *arguments)
    assert not (checkout / "pwned").exists()
    if done.returncode == 2:
        assert done.stderr.startswith("usage: just ")
    else:
        assert done.returncode == 0, done.stderr
        assert [words[-len(arguments) :] for words in programs if HOSTILE[-1] in words] == [arguments]


def texts() -> dict[str, list[str]]:
    """The lines of every recipe, of those that users don't call, too, with what just itself puts in as {{name}}."""
    dumped = subprocess.run(
        ["just", "--justfile", ROOT / "Justfile", "--dump", "--dump-format", "json"], capture_output=True, check=True
    )
    return {
        name: [
            "".join(part if isinstance(part, str) else f"{{{{{part[0][1]}}}}}" for part in line)
            for line in recipe["body"]
        ]
        for name, recipe in json.loads(dumped.stdout)["recipes"].items()
    }


def test_every_argument_of_every_recipe_is_quoted() -> None:
    """So that what is typed is one word of a command and no command."""
    for name, lines in texts().items():
        for line in lines:
            assert set(re.findall(r"{{(.*?)}}", line)) <= VARIABLES, f"{name} puts an argument into: {line}"
            unquoted = re.sub(r'"[^"]*"|\'[^\']*\'', "", line)
            assert not re.search(r"\$[@*0-9]", unquoted), f"{name}: {line}"


@pytest.mark.parametrize("hostile", FIRST)
def test_a_kind_of_tests_that_there_is_not_is_a_usage_error_and_nothing_is_run(checkout: Path, hostile: str) -> None:
    done, programs = given(checkout, "test", hostile)
    assert (done.returncode, programs) == (2, [])
    assert done.stderr.startswith("usage: just test [unit | contract | e2e ")
    assert not (checkout / "pwned").exists()


def test_every_recipe_hands_on_what_it_is_given_or_says_that_it_takes_nothing(checkout: Path) -> None:
    """So that an unknown option is never passed over, and never taken for a recipe."""
    for name, recipe in recipes().items():
        assert recipe["parameters"][-1]["kind"] == "star", name
        words = [TOLD.get(name, "x") for _ in recipe["parameters"][:-1]]
        done, programs = given(checkout, name, *words, "--no-such-option")
        assert done.returncode == 2 or any("--no-such-option" in words for words in programs), name


def test_a_refusal_is_not_followed_by_just_saying_so_once_more(checkout: Path) -> None:
    (checkout / ".venv/bin/python").write_text("#!/bin/sh\necho 'Nothing is running.' >&2\nexit 1\n")
    done, _ = given(checkout, "ps")
    assert (done.returncode, done.stderr) == (1, "Nothing is running.\n")


def test_without_an_environment_the_next_step_is_said(checkout: Path) -> None:
    (checkout / ".venv/bin/python").unlink()
    done, _ = given(checkout, "smoke")
    assert (done.returncode, done.stderr) == (1, "Nothing is installed yet: run `just up` first.\n")
