"""runtime/telemetry/log.py: one JSON object a line, or lines on a terminal."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.settings import Secret
from runtime.telemetry import log

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=5,
)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.split("\n")[:-1]]


def test_each_line_is_one_object_with_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", instance="users-1")
    log.get("x").info("ready", port=80)
    (line,) = said(capsys)
    assert line.pop("time").endswith("Z")
    assert line == {"instance": "users-1", "event": "ready", "port": 80, "level": "info"}


def test_a_line_is_bound_to_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log.get("x").warning("slow")
    logging.getLogger("library").warning("slow, too: %d ms", 5)
    assert [(line["request_id"], line["event"]) for line in said(capsys)] == [
        ("r-1", "slow"),
        ("r-1", "slow, too: 5 ms"),
    ]


def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    log.get("x").error("broke", exc_info=ValueError("first\nsecond"))
    logging.getLogger("library").error("broke, too", exc_info=ValueError("third"))
    ours, theirs = said(capsys)
    assert "ValueError: first\nsecond" in ours["exception"]
    assert "ValueError: third" in theirs["exception"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANYTHING, st.text(st.characters()))
def test_whatever_is_logged_is_one_line_of_json(capsys: pytest.CaptureFixture[str], value: object, event: str) -> None:
    log.configure("json")
    log.get("x").info("%s", event, value=value)
    assert len(said(capsys)) == 1


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_secret_is_in_no_line(capsys: pytest.CaptureFixture[str], style: log.Format) -> None:
    log.configure(style)
    log.get("x").info("connecting", url=Secret("hunter2"), urls=[Secret("hunter2")])
    out, _ = capsys.readouterr()
    assert "connecting" in out
    assert "hunter2" not in out


def test_on_a_terminal_a_value_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("text")
    log.get("x").info("asked", path="/\n2026 forged line\x1b[2J")
    out, _ = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "\x1b[2J" not in out


def test_without_a_terminal_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("auto")
    log.get("x").info("ready")
    assert said(capsys)[0]["event"] == "ready"


def test_details_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json")
    log.get("x").debug("detail")
    logging.getLogger("library").debug("detail")
    assert said(capsys) == []


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_shows_no_values(capsys: pytest.CaptureFixture[str], style: log.Format) -> None:
    log.configure(style)
    password = "hunter2"
    try:
        int(password[:0] or "x")
    except ValueError as error:
        log.get("x").error("broke", exc_info=error)
    out, _ = capsys.readouterr()
    assert "ValueError" in out
    assert "hunter2" not in out


def test_a_log_that_a_stranger_can_make_grow_says_how_much_it_leaves_out() -> None:
    told: list[tuple[str, dict[str, object]]] = []
    now = 10.0
    tell = log.Sparing(lambda event, **said: told.append((event, said)), most=2, clock=lambda: now)
    for number in range(5):
        tell("refused", number=number)
    now = 11.5
    tell("refused", number=5)
    tell("refused", number=6)
    assert [said for _, said in told] == [{"number": 0}, {"number": 1}, {"number": 5, "left_out": 3}, {"number": 6}]


def test_without_a_server_of_ours_it_is_set_up_where_the_environment_asks_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure_if_told({})
    assert not structlog.is_configured()
    log.configure_if_told({"LOG_FORMAT": "json"})
    log.get("x").warning("slow")
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["event"]) == ("", "slow")  # NGINX Unit keeps standard error alone


def test_a_server_of_ours_has_the_first_word(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", instance="users-1")
    log.configure_if_told({"LOG_FORMAT": "text"})
    log.get("x").info("ready")
    assert [line["instance"] for line in said(capsys)] == ["users-1"]
