"""Entity tags and the two comparisons of RFC 9110, section 8.8.3.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.tags import etag, has, holds

TAG = etag(b"one")


@given(st.binary(), st.binary())
def test_tags_are_equal_exactly_for_equal_bytes(one: bytes, other: bytes) -> None:
    assert (etag(one) == etag(other)) == (one == other)


@given(st.binary())
def test_a_tag_is_a_quoted_string_of_visible_characters(content: bytes) -> None:
    tag = etag(content)
    assert tag[0] == tag[-1] == '"'
    assert tag[1:-1].isascii()
    assert tag[1:-1].replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("field", [TAG, f'"other", {TAG}', f'{TAG},"other"', f"W/{TAG}", "*", " * ", f'"a,b" ,{TAG}'])
def test_a_client_that_names_the_tag_has_it(field: str) -> None:
    assert has(field, TAG)


@pytest.mark.parametrize("field", [None, "", '"other"', TAG.strip('"'), f'"x{TAG[1:]}', "*, *", "\x00"])
def test_a_client_that_does_not_name_the_tag_has_it_not(field: str | None) -> None:
    assert not has(field, TAG)


def test_a_weak_tag_is_enough_to_read_and_not_enough_to_write() -> None:
    assert has(f"W/{TAG}", TAG)
    assert not holds(f"W/{TAG}", TAG)


def test_a_condition_on_writing_holds_for_the_tag_and_for_whatever_there_is() -> None:
    assert holds(TAG, TAG)
    assert holds("*", TAG)
    assert not holds('"other"', TAG)
