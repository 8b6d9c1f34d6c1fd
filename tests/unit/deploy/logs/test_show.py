"""`just logs`, on an engine whose lines are written down."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from deploy.engine import Line, Refusal
from deploy.logs import show
from tests.unit.deploy.test_verbs import Still


def line(instance: str, event: str, second: int, level: str = "info", **said: object) -> Line:
    time = f"2026-11-30T12:00:{second:02}.000Z"
    return Line(instance, json.dumps({"time": time, "level": level, "event": event, **said}, separators=(",", ":")))


@dataclass
class Wrote(Still):
    """What was written, and what is written once somebody follows."""

    before: list[Line] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)
    given: list[tuple[str, float | None, bool]] = field(default_factory=list)

    def logs(self, name: str, *, since: float | None, follow: bool) -> Iterator[Line | None]:
        self.given.append((name, since, follow))
        yield from self.before
        yield None
        yield from self.after if follow else ()


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    show.arguments(parser)
    return parser.parse_args(words)


def events(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [row.split()[3] for row in capsys.readouterr().out.splitlines()]


FAILED = Wrote(
    before=[
        line("gateway-1", "failed", 3, "warning", request_id="r1"),
        line("gateway-1", "other", 2, request_id="r2"),
        line("nginx", "answered", 3, "error", request_id="r1"),
        line("orders-1", "raised", 3, "error", request_id="r1", exception="ValueError: no"),
    ]
)


def test_a_requests_story_is_told_in_order_over_all_that_had_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert show.main(FAILED, options("--request", "r1")) == 0
    assert FAILED.given[-1] == ("", 0.0, False)
    told = capsys.readouterr().out.splitlines()
    assert [row.split()[1] for row in told if "12:00" in row] == ["orders-1", "gateway-1", "nginx"]
    assert told[1] == "ValueError: no"


def test_a_request_that_left_nothing_is_refused_with_where_to_look() -> None:
    with pytest.raises(Refusal, match="No line of the logs is about the request zz"):
        show.main(FAILED, options("--request", "zz"))


def test_a_program_gets_what_there_is_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Wrote(before=[line("redis", str(number), number) for number in range(7)], after=[line("redis", "new", 9)])
    assert show.main(engine, options()) == 0
    assert events(capsys) == ["0", "1", "2", "3", "4", "5", "6"]
    show.main(engine, options("-n", "2"))
    assert events(capsys) == ["5", "6"]
    assert engine.given == [("", None, False)] * 2


def test_what_is_asked_to_follow_goes_on_and_what_is_chosen_counts_there_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = Wrote(before=FAILED.before, after=[line("redis", "quiet", 9), line("redis", "loud", 9, "critical")])
    assert show.main(engine, options("--level", "error", "--follow")) == 0
    said = capsys.readouterr()
    assert [row.split()[3] for row in said.out.splitlines() if "12:00" in row] == ["raised", "answered", "loud"]
    assert said.err == "The stack does not run any more.\n"


@pytest.mark.parametrize(
    ("words", "follows"),
    [
        ((), True),
        (("users",), True),
        (("--polls",), True),
        (("-n", "3"), False),
        (("--json",), False),
        (("--since", "10m"), False),
        (("--level", "info"), False),
        (("--request", "r1"), False),
        (("--request", "r1", "--follow"), True),
    ],
)
def test_on_a_terminal_it_follows_where_nothing_is_said_of_what_to_show(
    words: tuple[str, ...], *, follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    show.main(FAILED, options(*words))
    assert FAILED.given[-1][2] == follows


def test_since_is_a_time_or_how_long_ago(capsys: pytest.CaptureFixture[str]) -> None:
    show.main(FAILED, options("--since", "2026-11-30T12:00:03+00:00"))
    assert sorted(row.split()[1] for row in capsys.readouterr().out.splitlines() if "12:00" in row) == [
        "gateway-1",
        "nginx",
        "orders-1",
    ]
    show.main(FAILED, options("--since", "0s"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "yesterday"),
        ("--since", "9" * 40),
        ("-n", "-1"),
        ("-n", "\u0663"),
        ("-n", "9" * 30),
        ("--request", ""),
        ("--request", "a b"),
        ("--level", "loud"),
    ],
)
def test_what_makes_no_sense_is_bad_use(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        options(*words)
    assert ended.value.code == 2


def test_for_a_program_each_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    show.main(FAILED, options("--json", "--request", "r1"))
    assert [json.loads(row)["event"] for row in capsys.readouterr().out.splitlines()] == [
        "raised",
        "failed",
        "answered",
    ]
