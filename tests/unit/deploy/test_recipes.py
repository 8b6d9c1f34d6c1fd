"""The verbs as the Justfile has them."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from deploy import recipes
from deploy.arguments import parsers
from deploy.engine import Refusal
from deploy.recipes import Recipe

ROOT = Path(__file__).parents[3]


def test_each_has_a_sentence_and_a_group() -> None:
    found = recipes.recipes(ROOT)
    assert [each.name for each in found][:3] == ["help", "completions", "up"]
    assert [each.name for each in found if not each.about or not each.group] == []


def test_every_verb_that_is_carried_out_here_is_one_of_them() -> None:
    assert parsers().keys() <= {each.name for each in recipes.recipes(ROOT)}


def test_without_just_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUST", "/no/such/program")
    with pytest.raises(Refusal, match="There is no `just`"):
        recipes.recipes(ROOT)


def test_an_overview_has_each_below_its_group() -> None:
    found = [Recipe("up", "stack", "Start."), Recipe("seed", "data", "Put in."), Recipe("down", "stack", "Stop.")]
    assert [*recipes.overview(found)] == [
        *("stack:", "  up    Start.", "  down  Stop.", ""),
        *("data:", "  seed  Put in.", ""),
        "`just help VERB` tells what one may be given.",
    ]


def parser() -> ArgumentParser:
    made = ArgumentParser(prog="just it")
    made.add_argument("what", choices=["look", "purge"])
    made.add_argument("name", nargs="?")
    made.add_argument("-n", "--lines", help="so many")
    return made


def test_a_usage_says_what_it_is_for_and_each_argument() -> None:
    told = recipes.usage(Recipe("it", "look", "Does it."), parser())
    assert told.startswith("usage: just it ")
    assert "Does it." in told
    assert "so many" in told
    assert recipes.usage(Recipe("fmt", "work", "Formats."), None) == "Formats.\n\nusage: just fmt"


def test_what_a_shell_completes_comes_from_the_parser() -> None:
    assert dict(recipes.options(parser()))["--lines"] == "so many"
    assert recipes.words(parser()) == ["look", "purge"]
    assert recipes.named(parser())
    assert not recipes.named(ArgumentParser())
