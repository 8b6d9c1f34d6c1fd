import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.conditional import conditions, in_range, unmodified
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, get, head, held

MODIFIED = f"Last-Modified: {date(-100).decode()}"


@pytest.mark.parametrize(
    ("etag", "asked", "expected"),
    [
        ('"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ('W/"a"', '"a"', True),
        ('"a"', '"b", "a", "c"', True),
        ('"a, b"', '"a, b"', True),
        ('"a, b"', '"a", "b"', False),
        ('"a"', "*", True),
        ('"a"', '"A"', False),
        ('"a"', 'w/"a"', False),
        ('"a"', "a", False),
        ('"a\\"', '"a\\", "b"', True),
        ('"abc\xfc"', '"abc\xfc"', True),
    ],
)
def test_if_none_match_compares_weakly(etag: str, asked: str, expected: bool) -> None:  # noqa: FBT001  a column
    assert unmodified(get(f"If-None-Match: {asked}"), held(f"ETag: {etag}"), NOW) is expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (date(-100), True),
        (date(-99), True),
        (date(-101), False),
        (b"foo", False),
        (date(-100).replace(b"GMT", b"UTC"), False),
    ],
)
def test_if_modified_since_compares_dates(since: bytes, expected: bool) -> None:  # noqa: FBT001  a column
    assert unmodified(get(f"If-Modified-Since: {since.decode()}"), held(MODIFIED), NOW) is expected


def test_without_last_modified_the_date_counts() -> None:
    assert unmodified(get(f"If-Modified-Since: {date().decode()}"), held(), NOW)
    assert not unmodified(get(f"If-Modified-Since: {date(-1).decode()}"), held(), NOW)


def test_a_tag_counts_before_the_date() -> None:
    entry = held('ETag: "a"', MODIFIED)
    assert not unmodified(get('If-None-Match: "b"', f"If-Modified-Since: {date().decode()}"), entry, NOW)
    assert unmodified(get('If-None-Match: "a"', f"If-Modified-Since: {date(-999).decode()}"), entry, NOW)


def test_only_a_200_can_be_had_already() -> None:
    assert not unmodified(get("If-None-Match: *"), held(status=404), NOW)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [('"a"', True), ('"b"', False), ('W/"a"', False), (date(-100).decode(), True), (date(-99).decode(), False)],
)
def test_if_range_compares_strongly(condition: str, expected: bool) -> None:  # noqa: FBT001  a column
    entry = held('ETag: "a"', MODIFIED)
    assert in_range(get("Range: bytes=0-1", f"If-Range: {condition}"), entry, NOW) is expected


def test_a_date_within_the_second_of_the_answer_is_weak() -> None:
    entry = held(f"Last-Modified: {date().decode()}")
    assert not in_range(get(f"If-Range: {date().decode()}"), entry, NOW)


def test_the_function_is_asked_with_all_that_is_known() -> None:
    one, other = held('ETag: "a"', MODIFIED), held('ETag: W/"b"')
    assert conditions((one,)) == head('If-None-Match: "a"', f"If-Modified-Since: {date(-100).decode()}")
    assert conditions((one, other)) == head('If-None-Match: "a", W/"b"')
    assert conditions((held(MODIFIED),)) == head(f"If-Modified-Since: {date(-100).decode()}")


@given(st.text(alphabet='ab"\\, W/*', max_size=20))
def test_no_list_of_tags_breaks_the_comparison(tags: str) -> None:
    unmodified(get(f"If-None-Match: {tags}"), held('ETag: "a"'), NOW)
