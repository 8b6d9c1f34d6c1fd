"""Pages and cursors: nothing twice, nothing left out, and nothing but what a list gave is taken for a cursor."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.page import Cursor, Page, PageQuery, page
from runtime.http.validation import Invalid

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


def pointers(query_string: bytes) -> list[str]:
    with pytest.raises(Invalid) as caught:
        PageQuery.read(query_string)
    return [fault.pointer for fault in caught.value.faults]


@given(keys)
def test_a_cursor_comes_back_as_the_key_it_was_made_of(key: str) -> None:
    assert Cursor.parse(Cursor(key).text) == key


@given(keys)
def test_a_cursor_passes_through_a_query_as_it_is(key: str) -> None:
    assert parse_qs(f"cursor={Cursor(key).text}") == {"cursor": [Cursor(key).text]}


@given(st.text())
def test_any_text_that_no_list_gave_is_a_fault_of_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor"):
        Cursor.parse(text)


@given(keys, st.data())
def test_a_cursor_with_one_character_changed_is_refused(key: str, data: st.DataObject) -> None:
    text = Cursor(key).text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_=+/ ").filter(lambda character: character != text[at]))
    with pytest.raises(ValueError, match="is not a cursor"):
        Cursor.parse(text[:at] + other + text[at + 1 :])


@given(keys, st.integers(1, 10))
def test_a_cursor_that_was_cut_short_is_refused(key: str, missing: int) -> None:
    with pytest.raises(ValueError, match="is not a cursor"):
        Cursor.parse(Cursor(key).text[:-missing])


def test_without_a_query_the_first_twenty_are_asked_for() -> None:
    assert PageQuery.read(b"") == PageQuery(limit=20, cursor=None)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "", "ten", "1.5", "9" * 30])
def test_a_limit_out_of_bounds_is_a_fault_of_limit(limit: str) -> None:
    assert pointers(f"limit={limit}".encode()) == ["/limit"]


def test_every_fault_of_a_query_is_told_at_once() -> None:
    assert pointers(b"limit=0&cursor=x") == ["/limit", "/cursor"]


def test_a_parameter_that_comes_twice_is_a_fault_and_not_a_guess() -> None:
    assert pointers(b"limit=1&limit=2") == ["/limit"]


@pytest.mark.parametrize("query", [b"cursor=", b"cursor=%00", b"cursor=%ff%fe", b"cursor=\xff"])
def test_bytes_that_are_no_text_are_a_fault_of_cursor(query: bytes) -> None:
    assert pointers(query) == ["/cursor"]


def test_what_a_list_does_not_know_is_not_taken_for_something_else() -> None:
    assert pointers(b"utm_source=mail&limt=5") == ["/utm_source", "/limt"]


@given(st.sets(keys), st.integers(1, 7))
def test_pages_one_after_another_hold_each_row_once(rows: set[str], limit: int) -> None:
    seen: list[str] = []
    behind, more = "", True
    while more:
        found = sorted(row for row in rows if row > behind)[: limit + 1]
        shown = page(found, limit, str)
        seen += shown.items
        more = shown.next_cursor is not None
        behind = Cursor.parse(shown.next_cursor) if shown.next_cursor else ""
    assert seen == sorted(rows)


def test_the_link_to_the_next_page_keeps_what_was_asked_for() -> None:
    link = Page[str]([], "abc").next_link("/orders", b"status=paid&limit=2&cursor=old")["Link"]
    target, _, relation = link.partition(">")
    assert relation == '; rel="next"'
    assert urlsplit(target.lstrip("<")).path == "/orders"
    assert parse_qs(urlsplit(target).query) == {"status": ["paid"], "limit": ["2"], "cursor": ["abc"]}


def test_a_query_cannot_break_out_of_the_link() -> None:
    link = Page[str]([], "abc").next_link("/orders", b'x=%3E%0d%0a%22&y=">')["Link"]
    assert link.count(">") == 1
    assert not {"\r", "\n"} & set(link)


def test_the_last_page_has_no_link() -> None:
    assert Page[str]([], None).next_link("/orders", b"") == {}
