"""The pure parts: keys, fingerprints, and what an answer may be. The effects are in the contract suite."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.database.idempotency import SCHEMA, Answer, Refusal, fingerprint, parse_key
from runtime.http.problem import KEY_MISSING, MALFORMED, Kind, Problem

visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
bare = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~:/=-]{1,255}", fullmatch=True)
GONE = Kind("gone", 409, "Gone", "No more of it.")


def outcome(value: str) -> str | Kind:
    try:
        return parse_key([value])
    except Problem as problem:
        return problem.kind


def quoted(key: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", key) + '"'


@given(visible)
def test_any_visible_key_can_be_sent_in_quotes(key: str) -> None:
    assert parse_key([quoted(key)]) == key


@given(bare)
def test_a_bare_key_is_the_same_key_as_in_quotes(key: str) -> None:
    assert parse_key([key]) == parse_key([quoted(key)]) == key


@given(bare, st.text(" \t", max_size=3))
def test_blanks_around_a_key_do_not_count(key: str, blanks: str) -> None:
    assert parse_key([blanks + key + blanks]) == key


def test_a_uuid_is_a_key_either_way() -> None:
    assert parse_key(['"8e03978e-40d5-43dd-bc93-6894a57f9324"']) == parse_key(["8e03978e-40d5-43dd-bc93-6894a57f9324"])


def test_no_header_is_a_missing_key() -> None:
    with pytest.raises(Problem) as problem:
        parse_key([])
    assert problem.value.kind is KEY_MISSING


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        '""',
        '"',
        "a b",
        '"a b"',
        'a"b',
        '"a',
        '"a"b',
        '"a\\b"',
        "a, b",
        '"a", "b"',
        "a;b=1",
        "é",
        "a\x00",
        "a\n",
    ],
)
def test_anything_else_is_malformed(value: str) -> None:
    assert outcome(value) is MALFORMED


def test_a_key_of_more_than_255_characters_is_malformed() -> None:
    assert outcome("a" * 256) is outcome(quoted("a" * 256)) is MALFORMED


@given(st.lists(st.one_of(bare, visible, st.just("")), min_size=2, max_size=3))
@example(["k", "k"])
@example(['"a', 'b"'])  # joined, as some readers do, it would be a key: "a, b"
def test_several_lines_are_no_key(lines: list[str]) -> None:
    with pytest.raises(Problem) as problem:
        parse_key(lines)
    assert problem.value.kind is MALFORMED


@given(st.text())
def test_whatever_comes_in_is_a_key_or_malformed(value: str) -> None:
    result = outcome(value)
    assert result is MALFORMED or (isinstance(result, str) and re.fullmatch(r"[!-~]{1,255}", result))


def test_a_fingerprint_is_sha_256_in_hex() -> None:
    assert fingerprint(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("status", [199, 300, 409, 500])
def test_only_a_success_is_an_answer(status: int) -> None:
    with pytest.raises(ValueError, match="not a success"):
        Answer(status, [], b"")


def test_a_recorded_refusal_is_the_same_problem_and_says_so_when_replayed() -> None:
    problem = Problem(GONE, "No tea.", headers=[(b"x-why", b"\xe9")], retry_after=2.5, members={"skus": ["tea"]})
    first, again = Refusal.of(problem).problem(replayed=False), Refusal.of(problem).problem(replayed=True)
    assert first.headers == problem.headers
    assert again.headers == (*problem.headers, (b"idempotency-replayed", b"true"))
    assert first.body("/orders", "1") == again.body("/orders", "1") == problem.body("/orders", "1")


def test_functions_that_keep_keys_have_the_table_as_it_is_written_here() -> None:
    files = [path.read_text() for path in Path("functions").glob("*/schema/*.sql")]
    keeping = [text for text in files if "CREATE TABLE idempotency_keys" in text]
    assert keeping
    assert all(SCHEMA in text for text in keeping)
