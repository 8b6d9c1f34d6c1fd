"""A line of a log as it is shown."""

import json
import re

import pytest

from deploy.engine import Line
from deploy.lines import plain, pretty

LOGGED = {"time": "2026-11-22T17:03:04.512Z", "level": "info", "event": "ready", "instance": "users-1", "port": 8280}


def bare(line: Line) -> str:
    """As it is shown, without its colours."""
    return re.sub(r"\x1b\[[0-9]+m", "", pretty(line))


def test_for_another_program_it_is_as_it_was_written() -> None:
    assert plain(Line("users-1", "one")) == "users-1 one"


def test_a_json_line_is_shown_as_time_instance_level_and_event() -> None:
    assert bare(Line("users-1", json.dumps(LOGGED))) == "17:03:04.512 users-1    info    ready  port=8280"


@pytest.mark.parametrize(("time", "shown"), [("2026-11-22T17:03:04+00:00", "17:03:04"), ("", ""), (None, "")])
def test_a_time_is_shown_as_far_as_it_is_told(time: str | None, shown: str) -> None:
    assert bare(Line("nginx", json.dumps({"time": time, "event": "request"}))) == f"{shown:<12} nginx{'':<14}request"


@pytest.mark.parametrize("text", ["Traceback (most recent call last):", "[1]", '"text"', "{broken"])
def test_any_other_line_is_shown_as_it_is(text: str) -> None:
    assert bare(Line("redis", text)) == f"{'':<12} redis      {text}"


def test_a_traceback_is_shown_below_its_line_as_python_shows_it() -> None:
    trace = 'Traceback (most recent call last):\n  File "app.py", line 1\nValueError: no'
    shown = bare(Line("users-1", json.dumps({**LOGGED, "exception": trace})))
    assert shown == f"17:03:04.512 users-1    info    ready  port=8280\n{trace}"


def test_instances_and_levels_are_told_apart_by_colour() -> None:
    first, other = (pretty(Line(name, "a")).split(name)[0] for name in ("users-1", "redis"))
    assert first != other
    trouble = pretty(Line("redis", json.dumps({"event": "e", "level": "error"})))
    assert "\x1b[31merror" in trouble
