"""What is shown of what a stranger wrote: nothing that a terminal obeys, and nothing that JSON reads differently."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.visible import visible

OBEYED = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain, caf\u00e9, \u4e2d, \U0001f600", "plain, caf\u00e9, \u4e2d, \U0001f600"),
        ("\x1b]0;owned\x07\x1b[2J", "\\u001b]0;owned\\u0007\\u001b[2J"),
        ("\x9b2J\x7f", "\\u009b2J\\u007f"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        (b"\xff\x9b[".decode(errors="surrogateescape"), "\\udcff\\udc9b["),
        ("a\r\nb\tc", "a\\r\\nb\tc"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_what_does_not_print_is_written_out(written: str, shown: str) -> None:
    assert visible(written) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_a_terminal_obeys_nothing_of_it(written: str) -> None:
    assert not OBEYED.search(visible(written))
    assert visible(written, lines=True).count("\n") == written.count("\n")


@given(st.text(st.characters(exclude_categories=())))
def test_json_means_the_same(written: str) -> None:
    text = json.dumps({"a": written}, ensure_ascii=False)
    assert json.loads(visible(text)) == json.loads(text)


@given(st.text())
def test_what_is_shown_is_shown_the_same_again(written: str) -> None:
    assert visible(visible(written)) == visible(written)
