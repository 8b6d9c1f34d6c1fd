"""runtime/instant.py: milliseconds, and their text."""

import time
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from runtime.instant import from_rfc3339, now_ms, rfc3339

LAST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def test_the_clock_counts_milliseconds_since_the_epoch() -> None:
    before = int(time.time() * 1000)
    assert before <= now_ms() <= int(time.time() * 1000) + 1


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_795_367_063_042) == "2026-11-22T17:04:23.042Z"


@given(st.integers(0, LAST))
def test_the_text_says_exactly_the_milliseconds_that_were_stored(ms: int) -> None:
    moment = datetime.fromisoformat(rfc3339(ms))
    assert round(moment.timestamp() * 1000) == ms
    assert from_rfc3339(rfc3339(ms)) == ms
    assert len(rfc3339(ms)) == len("2026-11-22T17:04:23.042Z")
