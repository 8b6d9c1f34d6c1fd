"""What a shell is told to complete; bash is asked itself."""

import subprocess
from pathlib import Path

import pytest

from deploy import arguments, completions

ROOT = Path(__file__).parents[3]


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert completions.main(ROOT, shell) == 0
    return capsys.readouterr().out


def completed(script: str, folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`."""
    line = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({line}) COMP_CWORD={len(words) - 1}; _portico_just; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("just", "roll"), ["rollback"]),
        (("just", "logs", "--req"), ["--request"]),
        (("just", "logs", "or"), ["orders"]),
        (("just", "scale", "2", "us"), ["users"]),
        (("just", "cache", "pu"), ["purge"]),
        (("just", "help", "complet"), ["completions"]),
        (("just", "completions", "f"), ["fish"]),
        (("just", "lint", "--"), []),
    ],
)
def test_bash_completes_verbs_options_and_functions(
    words: tuple[str, ...], offered: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(script("bash", capsys), ROOT, *words) == offered


def test_elsewhere_the_recipes_that_are_there_are_completed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Justfile").write_text("mine:\n\nminor:\n\nother:\n")
    assert completed(script("bash", capsys), tmp_path, "just", "mi") == ["mine", "minor"]


@pytest.mark.parametrize("shell", arguments.SHELLS)
def test_each_shell_is_told_every_verb_and_each_of_its_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = script(shell, capsys)
    for verb, parser in arguments.parsers().items():
        assert verb in told
        for option in (name for action in parser._actions for name in action.option_strings if name[:2] == "--"):
            assert (option if shell != "fish" else f"-l {option[2:]} ") in told
