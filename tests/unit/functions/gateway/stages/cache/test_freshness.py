import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gateway.stages.cache.directives import answering
from functions.gateway.stages.cache.freshness import LONGEST_GUESS, born, dated, explicit, guessed
from tests.unit.functions.gateway.stages.cache.heads import NOW, date, head

DAY = 24 * 3600.0


def lifetime(*lines: str) -> float | None:
    headers = head(*lines)
    return explicit(headers, answering(headers), dated(headers, NOW), NOW)


def guess(status: int, *lines: str) -> float:
    headers = head(*lines)
    return guessed(headers, status, answering(headers), dated(headers, NOW), NOW)


def age(*lines: str, delay: float = 0.0, later: float = 0.0) -> float:
    headers = head(*lines)
    return NOW + later - born(headers, dated(headers, NOW), NOW - delay, NOW)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Cache-Control: max-age=60"], 60),
        (["Cache-Control: max-age=60, s-maxage=5"], 5),
        (["Cache-Control: max-age=60", f"Expires: {date(-100).decode()}"], 60),
        ([f"Expires: {date(100).decode()}", f"Date: {date().decode()}"], 100),
        ([f"Expires: {date(300).decode()}", f"Date: {date(400).decode()}"], 0),
        ([f"Expires: {date(10).decode()}", "Date: foo"], 10),
        (["Expires: 0"], 0),
        (["CDN-Cache-Control: foo", f"Expires: {date(100).decode()}"], None),
        (["Cache-Control: public"], None),
        ([], None),
    ],
)
def test_the_lifetime_that_an_answer_states(lines: list[str], expected: float | None) -> None:
    assert lifetime(*lines) == expected


@pytest.mark.parametrize("status", [200, 203, 204, 404, 405, 410, 414, 501])
def test_a_tenth_of_the_time_since_the_last_change_is_guessed(status: int) -> None:
    assert guess(status, f"Last-Modified: {date(-DAY).decode()}") == DAY / 10


@pytest.mark.parametrize("status", [201, 202, 302, 403, 502, 503, 504, 599])
def test_nothing_is_guessed_for_what_is_not_cacheable_by_default(status: int) -> None:
    modified = f"Last-Modified: {date(-DAY).decode()}"
    assert guess(status, modified) == 0
    assert guess(status, modified, "Cache-Control: public") == DAY / 10


def test_no_guess_is_longer_than_a_day() -> None:
    assert guess(200, f"Last-Modified: {date(-1000 * DAY).decode()}") == LONGEST_GUESS


@pytest.mark.parametrize("line", [f"Last-Modified: {date(100).decode()}", "Last-Modified: foo", "ETag: x"])
def test_no_guess_without_a_past_change(line: str) -> None:
    assert guess(200, line) == 0


def test_no_lifetime_is_guessed_for_a_cookie() -> None:
    assert guess(200, f"Last-Modified: {date(-DAY).decode()}", "Set-Cookie: a=b") == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7200", 7200), ("abc", 0), ("-7200", 0), ("7200.0", 0), ("7200, 0", 7200), ("0, 7200", 0), ("7200;a=b", 0)],
)
def test_of_age_the_first_counts_and_what_is_no_number_does_not(value: str, expected: float) -> None:
    assert age(f"Age: {value}", f"Date: {date().decode()}") == expected


def test_the_first_line_of_age_counts() -> None:
    assert age("Age: 7200", "Age: 0") == 7200
    assert age("Age: 0", "Age: 7200") == 0


def test_the_greater_of_date_and_age_counts_and_waiting_adds_to_age() -> None:
    assert age(f"Date: {date(-100).decode()}", "Age: 30") == 100
    assert age(f"Date: {date(-10).decode()}", "Age: 30", delay=4) == 34
    assert age(f"Date: {date(100).decode()}") == 0
    assert age("Age: 30", later=12) == 42


@given(
    offset=st.integers(-(10**6), 10**6),
    said=st.integers(0, 10**7),
    delay=st.floats(0, 100),
    later=st.floats(0, 10**6),
)
def test_an_age_never_falls_short_of_what_was_said_nor_of_the_time_that_passed(
    offset: int, said: int, delay: float, later: float
) -> None:
    found = age(f"Date: {date(offset).decode()}", f"Age: {said}", delay=delay, later=later)
    tolerance = 1e-3
    assert found >= said + later - tolerance
    assert found >= later - offset - tolerance
    assert found <= max(said + delay, -offset) + later + tolerance
