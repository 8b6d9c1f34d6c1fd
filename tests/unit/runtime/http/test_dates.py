from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.dates import seconds

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
THE_SAME = 784111777.0  # RFC 9110, section 5.6.7


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"sun, 06 nov 1994 08:49:37 gmt",  # RFC 9111, section 4.2: any case
        b"SUNDAY, 06-NOV-94 08:49:37 GMT",
    ],
)
def test_all_three_formats_are_read_in_any_case(text: bytes) -> None:
    assert seconds(text, NOW) == THE_SAME


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 AEST",
        b"Sun 06 Nov 1994 08:49:37 GMT",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06  Nov  1994 08:49:37 GMT",
        b"Sun, 06-Nov-1994 08:49:37 GMT",
        b"Sun, 06 Nov 94 08:49:37 GMT",
        b"Sun, 06 Nov 1994 8:49:37 GMT",
        b"Sun, 06 Nov 1994 08.49.37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_none(text: bytes) -> None:
    assert seconds(text, NOW) is None


def test_a_leap_second_is_a_time() -> None:
    assert seconds(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW) == seconds(b"Sat, 31 Dec 2016 23:59:59 GMT", NOW)


@pytest.mark.parametrize(("digits", "year"), [(b"76", 2076), (b"77", 1977), (b"26", 2026), (b"00", 2000)])
def test_two_digits_are_never_more_than_50_years_ahead(digits: bytes, year: int) -> None:
    text = b"Monday, 01-Jan-%b 00:00:00 GMT" % digits
    assert seconds(text, NOW) == datetime(year, 1, 1, tzinfo=UTC).timestamp()


@given(st.datetimes(min_value=datetime(1977, 1, 1), max_value=datetime(2076, 1, 1)))  # noqa: DTZ001  made aware below
def test_what_is_written_is_read(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"):
        assert seconds(moment.strftime(form).encode(), NOW) == moment.timestamp()


@given(st.binary(max_size=60))
def test_anything_at_all_is_a_date_or_none(text: bytes) -> None:
    assert isinstance(seconds(text, NOW), float | None)
