"""Moments as whole milliseconds since the epoch: how they are stored, compared and counted in.

Out: the clock's time in that unit, and its text for people and programs. Nothing here knows a time zone but UTC.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

SECOND = 1000
DAY = 24 * 60 * 60 * SECOND

Instant = Annotated[str, Meta(examples=["2026-11-22T17:04:23.042Z"])]  # what `rfc3339` gives

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """RFC 3339, section 5.6, in UTC with milliseconds: `2026-11-22T17:04:23.042Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> int:
    """The milliseconds since the epoch that `rfc3339` made `text` of."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
