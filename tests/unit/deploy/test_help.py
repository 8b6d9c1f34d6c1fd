"""`just help`."""

from pathlib import Path

import pytest

from deploy import help as helping
from deploy.engine import Refusal

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("", "`just help VERB` tells what one may be given."),
        ("logs", "--request ID"),
        ("scale", "usage: just scale [-h] N [NAME]"),
        ("routes", "--json"),
        ("lint", "usage: just lint"),
    ],
)
def test_a_verb_is_told_with_what_it_may_be_given(about: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert helping.main(ROOT, about) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("about", "said"), [("lgos", "logs is the nearest"), ("\x1b[2J", "`just help` has all")])
def test_a_verb_that_there_is_not_is_refused_with_the_nearest(about: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        helping.main(ROOT, about)
