"""HTTP dates (RFC 9110, section 5.6.7): all three formats, in any case, as RFC 9111, section 4.2 has a cache read them.

In: a field's value. Out: epoch seconds, or None for what is not a date; a zone other than GMT is none.
"""

import re
from datetime import UTC, datetime

_MONTHS = {
    month: number
    for number, month in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), start=1
    )
}
_MONTH = rb"(?P<month>%b)" % b"|".join(_MONTHS)
_TIME = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_SHORT = rb"(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG = rb"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_FORMATS = (
    rb"%b, (?P<day>\d\d) %b (?P<year>\d{4}) %b gmt" % (_SHORT, _MONTH, _TIME),  # IMF-fixdate
    rb"%b, (?P<day>\d\d)-%b-(?P<year>\d\d) %b gmt" % (_LONG, _MONTH, _TIME),  # RFC 850
    rb"%b %b (?P<day>[ \d]\d) %b (?P<year>\d{4})" % (_SHORT, _MONTH, _TIME),  # asctime
)
_PATTERNS = tuple(re.compile(form, re.ASCII) for form in _FORMATS)
_LONGEST = 33  # bytes: Wednesday in RFC 850


def seconds(value: bytes, now: float) -> float | None:
    """`value` as epoch seconds. `now` decides what a year of two digits means: never more than 50 years ahead."""
    if len(value) > _LONGEST:
        return None
    folded = value.lower()
    match = next(filter(None, (pattern.fullmatch(folded) for pattern in _PATTERNS)), None)
    return None if match is None else _moment(match, now)


def _moment(match: re.Match[bytes], now: float) -> float | None:
    year = int(match["year"])
    if len(match["year"]) == 2:
        year = _nearest(year, datetime.fromtimestamp(now, UTC).year)
    second = min(int(match["second"]), 59) if match["second"] == b"60" else int(match["second"])  # a leap second
    try:
        moment = datetime(
            year,
            _MONTHS[match["month"]],
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment.timestamp()


def _nearest(year: int, current: int) -> int:
    """The year that ends in these two digits; the past one when it would be more than 50 years ahead."""
    full = current - current % 100 + year
    return full - 100 if full > current + 50 else full
