"""When a line was written and how grave it is."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.engine import Line
from deploy.logs.entries import LEVELS, Entry, entries

NOON = datetime(2026, 11, 30, 12, 0, 0, 500_000, UTC).timestamp()
HERE = datetime(2026, 11, 30, 12, 0, 0, 500_000).timestamp()  # noqa: DTZ001  as a program without a zone means it


def one(text: str, time: float = 0.0) -> Entry:
    return next(entries([Line("it", text, time)]))


@pytest.mark.parametrize("zone", ["Z", "+00:00"])
def test_our_own_lines_say_it_in_json(zone: str) -> None:
    entry = one(json.dumps({"level": "error", "time": f"2026-11-30T12:00:00.500{zone}"}, separators=(",", ":")))
    assert (entry.time, entry.level) == (NOON, "error")


@pytest.mark.parametrize(
    ("text", "time", "level"),
    [
        ("10:M 30 Nov 2026 12:00:00.500 # WARNING Memory overcommit", HERE, "warning"),
        ("10:M 30 Nov 2026 12:00:00.500 * Ready to accept connections", HERE, "info"),
        ("2026/11/30 12:00:00 [emerg] 1#1: no such directive", HERE - 0.5, "critical"),
        ("2026/11/30 12:00:00 [error] 1#1: *1 connect() failed", HERE - 0.5, "error"),
        ("2026-11-30 12:00:00.500 UTC [1] FATAL:  password authentication failed", HERE, "critical"),
        ("2026-11-30 12:00:00.500 UTC [1] LOG:  ready", HERE, "info"),
        ("whatever", 0.0, "info"),
    ],
)
def test_others_say_it_in_their_own_form(text: str, time: float, level: str) -> None:
    assert (one(text).time, one(text).level) == (time, level)


def test_what_is_kept_beside_a_line_counts_more_than_what_it_says() -> None:
    assert one("10:M 30 Nov 2026 12:00:00.500 * Ready", 7.0) == Entry(
        Line("it", "10:M 30 Nov 2026 12:00:00.500 * Ready", 7.0), 7.0, "info"
    )


def test_a_traceback_of_many_lines_is_as_grave_as_one_and_belongs_to_what_came_before() -> None:
    first = json.dumps({"level": "info", "time": "2026-11-30T12:00:00.500Z"}, separators=(",", ":"))
    raised = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "    import x", "KeyError: 1"]
    told = [*entries(Line("users-1", text) for text in (first, *raised, "and on"))]
    assert [entry.level for entry in told] == ["info", *["error"] * 4, "info"]
    assert {entry.time for entry in told} == {NOON}


def test_instances_are_told_apart() -> None:
    raised = Line("users-1", "Traceback (most recent call last):")
    told = [*entries([raised, Line("redis", "hello"), Line("users-1", "  File")])]
    assert [entry.level for entry in told] == ["error", "info", "error"]


@given(st.text())
def test_whatever_is_written_has_a_level(text: str) -> None:
    assert one(text).level in LEVELS
