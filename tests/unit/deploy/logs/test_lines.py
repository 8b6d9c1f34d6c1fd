"""An entry of a log as it is shown."""

import json
import re

import pytest

from deploy.engine import Line
from deploy.logs import lines
from deploy.logs.entries import entries

LOGGED = {"time": "2026-11-22T17:03:04.512Z", "level": "info", "event": "ready", "instance": "users-1", "port": 8280}


def pretty(line: Line) -> str:
    return lines.pretty(*entries([line]))


def plain(line: Line) -> str:
    return lines.plain(*entries([line]))


def as_json(line: Line) -> dict[str, object]:
    told = lines.as_json(*entries([line]))
    assert told.isprintable()
    found: dict[str, object] = json.loads(told)
    return found


def bare(line: Line) -> str:
    """As it is shown, without its colours."""
    return re.sub(r"\x1b\[[0-9]+m", "", pretty(line))


def test_elsewhere_than_on_a_terminal_it_has_no_colours() -> None:
    for text in ("one", json.dumps(LOGGED), json.dumps({**LOGGED, "exception": "ValueError"})):
        assert plain(Line("users-1", text)) == bare(Line("users-1", text))


def test_for_a_program_each_line_is_an_object_with_its_instance_whoever_wrote_it() -> None:
    assert as_json(Line("users-1", json.dumps(LOGGED))) == LOGGED
    assert as_json(Line("redis", "hello", 1.5)) == {
        "time": "1970-01-01T00:00:01.500000+00:00",
        "level": "info",
        "text": "hello",
        "instance": "redis",
    }
    assert as_json(Line("redis", "[" * 100_000))["time"] is None


def test_a_json_line_is_shown_as_time_instance_level_and_event() -> None:
    assert bare(Line("users-1", json.dumps(LOGGED))) == "17:03:04.512 users-1    info    ready  port=8280"


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b1A\x7f\u202e\r\nredis-1 faked\udcff"
WRITTEN_OUT = r"\u001b]0;owned\u0007\u001b[2J\u009b1A\u007f\u202e\r\nredis-1 faked\udcff"


@pytest.mark.parametrize("member", ["event", "level", "user_agent", HOSTILE])
def test_what_a_stranger_wrote_is_shown_written_out_wherever_it_stands(member: str) -> None:
    for text in (json.dumps({member: HOSTILE}), json.dumps({member: HOSTILE}, ensure_ascii=False), HOSTILE):
        line = Line("nginx", text)
        assert bare(line).isprintable()
        assert WRITTEN_OUT.replace(r"\r\n", "") in bare(line).replace(r"\r\n", "")
        assert plain(line).isprintable()


def test_for_a_program_json_still_means_the_same() -> None:
    text = json.dumps({"user_agent": HOSTILE}, ensure_ascii=False)
    assert as_json(Line("nginx", text))["user_agent"] == HOSTILE


def test_a_traceback_may_have_lines_and_nothing_else_that_a_terminal_obeys() -> None:
    shown = bare(Line("users-1", json.dumps({**LOGGED, "exception": f"ValueError: {HOSTILE}"})))
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize(("time", "shown"), [("2026-11-22T17:03:04+00:00", "17:03:04"), ("", ""), (None, "")])
def test_a_time_is_shown_as_far_as_it_is_told(time: str | None, shown: str) -> None:
    assert bare(Line("nginx", json.dumps({"time": time, "event": "request"}))) == f"{shown:<12} nginx{'':<14}request"


@pytest.mark.parametrize("text", ["Traceback (most recent call last):", "[1]", '"text"', "{broken"])
def test_any_other_line_is_shown_as_it_is(text: str) -> None:
    assert bare(Line("redis", text)) == f"{'':<12} redis      {text}"


def test_any_other_line_is_shown_behind_its_time_where_that_is_known() -> None:
    assert bare(Line("redis", "hello", 3661.5)) == "01:01:01.500 redis      hello"


def test_a_traceback_is_shown_below_its_line_as_python_shows_it() -> None:
    trace = 'Traceback (most recent call last):\n  File "app.py", line 1\nValueError: no'
    shown = bare(Line("users-1", json.dumps({**LOGGED, "exception": trace})))
    assert shown == f"17:03:04.512 users-1    info    ready  port=8280\n{trace}"


def request(**said: object) -> str:
    usual = {"event": "request", "method": "GET", "target": "/a", "status": "200", "by": "gateway", "request_id": "r1"}
    return json.dumps({**LOGGED, **usual, **said})


@pytest.mark.parametrize(
    ("tried", "shown"),
    [
        (("a:1", "200", "0.000"), ""),
        (("a:2, a:3, a:1", "502, 502, 200", "-, -, 0.000"), ""),  # slots where nobody is
        (("a:2, a:1", "504, 200", "0.001, 0.000"), " tried=a:2 504, a:1 200"),
        (("a:2, a:3", "502, 502", "-, -"), " tried=no gateway"),
        (("", "", ""), " tried=no gateway"),
    ],
)
def test_a_request_is_told_by_what_was_asked_and_whom_it_reached(tried: tuple[str, str, str], shown: str) -> None:
    upstream, status, connect = tried
    line = Line("nginx", request(upstream=upstream, upstream_status=status, upstream_connect=connect))
    assert bare(line) == f"17:03:04.512 nginx      info    GET /a 200  request_id=r1{shown}"


def test_what_a_gateway_did_not_answer_says_who_did() -> None:
    line = Line("nginx", request(status="429", by="nginx", problem="", seconds=0.0))
    assert bare(line).endswith("GET /a 429  request_id=r1 by=nginx seconds=0.0 tried=no gateway")


def test_instances_and_levels_are_told_apart_by_colour() -> None:
    first, other = (pretty(Line(name, "a")).split(name)[0] for name in ("users-1", "redis"))
    assert first != other
    trouble = pretty(Line("redis", json.dumps({"event": "e", "level": "error"})))
    assert "\x1b[31merror" in trouble
